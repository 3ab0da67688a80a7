"""README.md shows what its commands print; `python -m tests.contracts.test_docs` rewrites it."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from da.cli.main import _app, main

README = Path(__file__).parents[2] / "README.md"
REPORTS = README.parent / "benchmarks" / "reports"
BLOCK = re.compile(r"<!-- (da .*?|newest report) -->\n(.*?)<!-- end -->", re.DOTALL)


def printed(command: str) -> str:
    """What a command prints, as Markdown."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(shlex.split(command))
    text = out.getvalue().strip()
    return text if "markdown" in command else f"```\n{text}\n```"


def reported(folder: Path = REPORTS) -> str:
    """The summaries of each machine's newest report."""
    newest = {file.stem.partition("_")[2]: file for file in sorted(folder.glob("*_*.md"))}
    return "\n\n".join(map(summary, newest.values()))


def summary(report: Path) -> str:
    title, table = re.match(
        r"# (.*?)\n.*?\n## Summary\n\n(.*?)\n\n", report.read_text(), re.DOTALL
    ).groups()
    where = "/".join(report.parts[-3:])
    return f"[{title}]({where}):\n\n{table}"


def filled(text: str) -> str:
    """`text` with every block as its command prints it now."""

    def anew(block: re.Match) -> str:
        command = block[1]
        found = reported() if command == "newest report" else printed(command.removeprefix("da "))
        return f"<!-- {command} -->\n{found}\n<!-- end -->"

    return BLOCK.sub(anew, text)


@pytest.mark.slow
def test_tables_are_what_the_records_say(monkeypatch):
    monkeypatch.chdir(README.parent)
    assert filled(README.read_text()) == README.read_text()


def test_the_newest_report_of_each_machine_is_quoted(tmp_path):
    folder = tmp_path / "benchmarks" / "reports"
    folder.mkdir(parents=True)
    for day, machine in (("01-30", "a"), ("02-02", "a"), ("01-31", "b")):
        text = f"# Speed on {machine}, {day}\n\nIt is.\n\n## Summary\n\n| {day} |\n\n## More\n"
        (folder / f"2026-{day}_{machine}.md").write_text(text)
    assert reported(folder) == (
        "[Speed on a, 02-02](benchmarks/reports/2026-02-02_a.md):\n\n| 02-02 |\n\n"
        "[Speed on b, 01-31](benchmarks/reports/2026-01-31_b.md):\n\n| 01-31 |"
    )


def commands() -> list[str]:
    """Every `da` command in README's code blocks."""
    blocks = re.findall(r"^```\n(.*?)^```", README.read_text(), re.DOTALL | re.MULTILINE)
    return re.findall(r"^da (.+)$", "\n".join(blocks), re.MULTILINE)


@pytest.mark.parametrize("command", commands())
def test_commands_are_understood(command):
    arguments = shlex.split(command)
    assert callable(_app(arguments).cli(prog="da", args=arguments))


def test_pictures_are_there():
    pictures = re.findall(r"!\[.*?\]\((.*?)\)", README.read_text())
    assert pictures
    assert all((README.parent / picture).is_file() for picture in pictures)


if __name__ == "__main__":
    README.write_text(filled(README.read_text()))
