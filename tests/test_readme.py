"""README.md shows what its own commands print; `python tests/test_readme.py` writes it anew."""

import contextlib
import io
import re
import shlex
from pathlib import Path

import pytest

from da.cli import _app, main

README = Path(__file__).parents[1] / "README.md"
BLOCK = re.compile(r"<!-- da (.*?) -->\n(.*?)<!-- end -->", re.DOTALL)


def printed(command: str) -> str:
    """What a command prints, as Markdown."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(shlex.split(command))
    text = out.getvalue().strip()
    return text if "markdown" in command else f"```\n{text}\n```"


def filled(text: str) -> str:
    """`text` with every block as its command prints it now."""
    return BLOCK.sub(lambda m: f"<!-- da {m[1]} -->\n{printed(m[1])}\n<!-- end -->", text)


@pytest.mark.slow
def test_tables_are_what_the_records_say(monkeypatch):
    monkeypatch.chdir(README.parent)
    assert filled(README.read_text()) == README.read_text()


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
