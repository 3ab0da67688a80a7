"""Tables of the newest comparison with the scripts of Transfer-Learning-Library."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean, median
from typing import Any

REPORTS = Path(__file__).parents[2] / "benchmarks" / "reports"

Run = dict[str, Any]


def compare(folder: Path = REPORTS) -> str:
    """Return where the newest report was made, its accuracies and its times, as Markdown."""
    file = sorted(folder.glob("*_tllib.json"))[-1]
    report = json.loads(file.read_text())
    versions = report["environment"]
    about = (
        f"{report['machine']}, {report['date']}, torch {versions['torch']}; TLlib at commit "
        f"`{report['peer']['commit'][:7]}`; {report['steps']} steps of {report['batch']} images "
        f"of each domain (`benchmarks/reports/{file.name}`)."
    )
    pairs = pair(report["runs"])
    accuracies, times = ("\n".join(t) for t in (_accuracies(pairs), _times(report["timing"])))
    return f"{about}\n\n{accuracies}\n\n{_told(pairs)}\n\n{times}"


def pair(runs: Iterable[Run]) -> dict[tuple[str, str, int], dict[str, float]]:
    """Return accuracies by method, task and seed, then by side, where both sides have one."""
    found: dict[tuple[str, str, int], dict[str, float]] = {}
    for run in runs:
        if "accuracy" in run:
            key = run["method"], run["task"].partition(":")[2], run["seed"]
            found.setdefault(key, {})[run["side"]] = run["accuracy"]
    return {key: sides for key, sides in found.items() if len(sides) == 2}


def _accuracies(pairs: dict[tuple[str, str, int], dict[str, float]]) -> Iterator[str]:
    methods = list(dict.fromkeys(method for method, _, _ in pairs))
    tasks = list(dict.fromkeys(task for _, task, _ in pairs))
    yield f"| method | {' | '.join(tasks)} | TLlib | `da` | gap | runs |"
    yield f"| --- |{' ---: |' * (len(tasks) + 4)}"
    for method in methods:
        here = {key: sides for key, sides in pairs.items() if key[0] == method}
        cells = [_both(sides for key, sides in here.items() if key[1] == task) for task in tasks]
        theirs, ours = (fmean(sides[who] for sides in here.values()) for who in ("tllib", "da"))
        yield (
            f"| {method} | {' | '.join(cells)} | {theirs:.1f} | {ours:.1f} | {ours - theirs:+.1f} "
            f"| {len(here)} |"
        )


def _both(sides: Iterable[dict[str, float]]) -> str:
    every = list(sides)
    if not every:
        return ""
    return " / ".join(f"{fmean(one[who] for one in every):.1f}" for who in ("tllib", "da"))


def _told(pairs: dict[tuple[str, str, int], dict[str, float]]) -> str:
    gaps = [sides["da"] - sides["tllib"] for sides in pairs.values()]
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
