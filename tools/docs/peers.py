"""Tables of what we and other libraries reach on the same features, from `benchmarks/reports`."""

import json
from collections import defaultdict
from pathlib import Path
from statistics import mean, median

Found = dict[tuple[str, float], dict[str, list[tuple[float, float]]]]
"""Accuracies and seconds by mapping and strength, then by library."""


def compare_libraries(report: Path) -> str:
    """Return the mean accuracy and median seconds of each mapping and strength, as Markdown.

    Args:
        report: File with a line of JSON for each task, as `benchmarks/classifiers.py` writes it.
    """
    tasks = [json.loads(line) for line in report.read_text().splitlines()]
    found: Found = defaultdict(lambda: defaultdict(list))
    for task in tasks:
        for mapping, library, strength, accuracy, seconds in task["rows"]:
            found[mapping, strength][library].append((accuracy, seconds))
    machine = tasks[0]["environment"]["machine"]
    return "\n".join(
        [
            "| mapping | strength | ours, % | skada, % | ours, s | skada, s |",
            "| --- | ---: | ---: | ---: | ---: | ---: |",
            *(_row(*key, libraries) for key, libraries in found.items()),
            "",
            f"Means of {len(tasks)} tasks, and median seconds of a task on one core of {machine}.",
        ]
    )


def _row(mapping: str, strength: float, libraries: dict[str, list[tuple[float, float]]]) -> str:
    each = [libraries.get(name, []) for name in ("ours", "skada")]
    accuracy = [f"{mean(a for a, _ in found):.1f}" if found else "" for found in each]
    seconds = [f"{median(s for _, s in found):.2f}" if found else "" for found in each]
    shown = f"{strength:g}" if strength else "chosen"
    return f"| {' | '.join([mapping, shown, *accuracy, *seconds])} |"
