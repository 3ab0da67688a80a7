"""The numbers at the top of the page: how much was run, and what came of it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from da.results.negative_transfer import BASELINE, HEAD

FEW = 3
"""Most rows that are named next to the best."""


class Fact(NamedTuple):
    """A number with its name."""

    name: str
    value: str
    more: str = ""
    """What the number is of; may be empty."""


def list_facts(data: dict[str, Any], done: int, wanted: int) -> list[Fact]:
    """Return counts of runs, tasks and rows, and the averages of the best row and the baseline.

    Args:
        data: What `describe_experiment` returns.
        done: Number of runs that have a record.
        wanted: Number of runs of the experiment.
    """
    seeds = len(set(data["runs"]["seed"]))
    runs = f"{done:,}" if done == wanted else f"{done:,} of {wanted:,}"
    warned = len({run for run, lasts in zip(*_warned(data), strict=True) if lasts})
    facts = [
        Fact("runs", runs, f"{seeds} seed{'s' * (seeds > 1)}"),
        Fact("rows", f"{len(data['rows'])}"),
        Fact("tasks", f"{len(data['tasks'])}"),
    ]
    facts += _averages(data)
    return [*facts, Fact("warnings", f"{warned}", "runs with one at the end")]


def _warned(data: dict[str, Any]) -> tuple[Sequence[int], Sequence[bool]]:
    return data["warnings"]["run"], data["warnings"]["lasts"]


def _averages(data: dict[str, Any]) -> list[Fact]:
    """Return the best row and the baseline at last evaluations, over all tasks."""
    table = data["tables"]["last"]
    column = len(table["heads"]) - 1 - (table["heads"][-1] == HEAD)
    cells = dict(zip(table["labels"], (row[column] for row in table["cells"]), strict=True))
    marks = zip(table["labels"], table["best"], strict=True)
    best = [label for label, own in marks if column in own]
    best.sort(key=lambda label: float(cells[label].split()[0]), reverse=not data["falling"])
    found = [Fact("best, last step", cells[best[0]], _join(best))] if best else []
    if cells.get(BASELINE) and best != [BASELINE]:
        found.append(Fact("no adaptation", cells[BASELINE], BASELINE))
    return found


def _join(best: Sequence[str]) -> str:
    first, *alike = best
    named = ", ".join(alike) if len(alike) <= FEW else f"{len(alike)} others"
    return f"{first}, not separable from {named}" if alike else first
