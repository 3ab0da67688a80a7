"""Tables of the comparisons with the scripts of Transfer-Learning-Library."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any, NamedTuple

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"

Run = dict[str, Any]


class Pair(NamedTuple):
    """Target accuracies of two runs, one of each side, in percent."""

    method: str
    task: str
    tllib: float
    da: float


def compare(folder: Path = REPORTS) -> str:
    """Return where reports were made, accuracies of all and times of the newest, as Markdown."""
    files = sorted(folder.glob("*_tllib.json"))
    reports = {file.name: json.loads(file.read_text()) for file in files}
    pairs = [two for report in reports.values() for two in pair(report["runs"])]
    timing = [report["timing"] for report in reports.values() if report["timing"]][-1]
    about = (_place(name, report) for name, report in reports.items())
    parts = about, _accuracies(pairs), [_told(pairs)], _times(timing)
    return "\n\n".join("\n".join(part) for part in parts)


def _place(name: str, report: dict[str, Any]) -> str:
    tasks = dict.fromkeys(run["task"].partition(":")[2] for run in report["runs"])
    return (
        f"- {report['machine']}, {report['date']}, torch {report['environment']['torch']}; TLlib "
        f"at commit `{report['peer']['commit'][:7]}`; {report['steps']} steps of {report['batch']} "
        f"images of each domain; {', '.join(tasks)} (`benchmarks/reports/{name}`)"
    )


def pair(runs: Iterable[Run]) -> Iterator[Pair]:
    """Yield the accuracies of each method, task and seed that both sides of a report have."""
    found: dict[tuple[str, str, int], dict[str, float]] = {}
    for run in runs:
        if "accuracy" in run:
            key = run["method"], run["task"].partition(":")[2], run["seed"]
            found.setdefault(key, {})[run["side"]] = run["accuracy"]
    for (method, task, _), sides in found.items():
        if len(sides) == 2:
            yield Pair(method, task, sides["tllib"], sides["da"])


def _accuracies(pairs: list[Pair]) -> Iterator[str]:
    tasks = list(dict.fromkeys(two.task for two in pairs))
    yield f"| method | {' | '.join(tasks)} | TLlib | `da` | gap | runs |"
    yield f"| --- |{' ---: |' * (len(tasks) + 4)}"
    for method in dict.fromkeys(two.method for two in pairs):
        here = [two for two in pairs if two.method == method]
        cells = [_both([two for two in here if two.task == task]) for task in tasks]
        theirs, ours = fmean(two.tllib for two in here), fmean(two.da for two in here)
        yield (
            f"| {method} | {' | '.join(cells)} | {theirs:.1f} | {ours:.1f} | {ours - theirs:+.1f} "
            f"| {len(here)} |"
        )


def _both(pairs: list[Pair]) -> str:
    if not pairs:
        return ""
    return f"{fmean(two.tllib for two in pairs):.1f} / {fmean(two.da for two in pairs):.1f}"


def _told(pairs: list[Pair]) -> str:
    gaps = [two.da - two.tllib for two in pairs]
    error = (fmean(gap**2 for gap in gaps) - fmean(gaps) ** 2) ** 0.5 / max(1, len(gaps) - 1) ** 0.5
    return (
        f"Target accuracy in %, TLlib's before ours. Over {len(gaps)} pairs of runs ours is "
        f"{fmean(gaps):+.2f} points from TLlib's, with a standard error of {error:.2f}."
    )


def _times(timing: Iterable[Run]) -> Iterator[str]:
    sides = {
        "tllib": "script, ms a step",
        "tllib_ready": "its step on ready batches",
        "da": "`da`",
        "da_graph": "with a CUDA graph",
    }
    yield f"| method | {' | '.join(sides.values())} | script over `da` | ready over `da` |"
    yield f"| --- |{' ---: |' * 6}"
    timed = [run for run in timing if "accuracy" in run]
    for method in dict.fromkeys(run["method"] for run in timed):
        own = [run for run in timed if run["method"] == method]
        of = {side: [1e3 * r["of_step"] for r in own if r["side"] == side] for side in sides}
        cells = [f"{median(times):.1f}" if times else "" for times in of.values()]
        ratios = [
            f"{median(of[side]) / median(of['da']):.2f}x" for side in ("tllib", "tllib_ready")
        ]
        yield f"| {' | '.join([method, *cells, *ratios])} |"
