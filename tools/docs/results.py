"""Tables in pages: what a command prints, between comments that name the command."""

import contextlib
import io
import re
import shlex
from collections.abc import Callable
from functools import cache
from pathlib import Path

from da.cli.main import main
from tools.docs import choosers, label_free, large_sets, peers, step_reports, tllib

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"
NAMES = (
    r"da .*?|newest report|steps side by side|beside TLlib|lessons of choosers|default chooser|"
    r"peers \w+|estimates of accuracy|combined models|features at size|rates of large sets|"
    r"sizes of DomainNet|cost of DomainNet|cost of ImageNet-C"
)
BLOCK = re.compile(rf"<!-- ({NAMES}) -->\n(.*?)<!-- end -->", re.DOTALL)


def fill(text: str) -> str:
    """Fill every block of a page with what its command prints now."""

    def fill_block(block: re.Match[str]) -> str:
        command = block[1]
        return f"<!-- {command} -->\n{_find(command)}\n<!-- end -->"

    return BLOCK.sub(fill_block, text)


def _find(command: str) -> str:
    """Return what stands between the comments of a block."""
    if command in REPORTED:
        return REPORTED[command]()
    kind, _, rest = command.partition(" ")
    return peers.compare_libraries(REPORTS / f"{rest}.jsonl") if kind == "peers" else _print(rest)


@cache
def _print(command: str) -> str:
    """Return what a command prints, as Markdown."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        main(shlex.split(command))
    text = out.getvalue().strip()
    return text if "markdown" in command else f"```text\n{text}\n```"


def quote_reports(folder: Path = REPORTS) -> str:
    """Quote the summaries of each machine's newest report."""
    newest = {file.stem.partition("_")[2]: file for file in sorted(folder.glob("*_*.md"))}
    return "\n\n".join(map(_summarize, newest.values()))


def _summarize(report: Path) -> str:
    found = re.match(r"# (.*?)\n.*?\n## Summary\n\n(.*?)\n\n", report.read_text(), re.DOTALL)
    assert found, report
    where = "/".join(report.parts[-3:])
    return f"{found[1]} (`{where}`):\n\n{found[2]}"


REPORTED: dict[str, Callable[[], str]] = {
    "newest report": quote_reports,
    "steps side by side": step_reports.compare_machines,
    "beside TLlib": tllib.compare,
    "lessons of choosers": choosers.describe_lessons,
    "default chooser": choosers.describe_default,
    "estimates of accuracy": label_free.list_estimates,
    "combined models": label_free.compare_combined,
    "features at size": large_sets.compare_clusters,
    "rates of large sets": large_sets.list_rates,
    "sizes of DomainNet": large_sets.list_domains,
    "cost of DomainNet": large_sets.compare_ways,
    "cost of ImageNet-C": large_sets.list_streams,
}
"""What blocks that quote reports hold, by name."""
