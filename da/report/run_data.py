"""Runs of an experiment as columns: row, task and seed of each, and its evaluations."""

from collections.abc import Mapping, Sequence
from typing import Any

from da.results.aggregate import Line, Runs
from da.results.label_columns import ACCURACY
from da.results.records import Point, Record
from da.results.run_labels import list_differences

SHOWN = "loss", "diagnosis"
"""Kinds of measurements of a run that curves show, next to accuracy and scores."""

Rows = Mapping[Line, Runs]


def list_runs(rows: Rows) -> list[tuple[int, str, Any, Record]]:
    """List row, task, seed and record of each run, as often as tables count it."""
    return [
        (i, task, seed, record)
        for i, runs in enumerate(rows.values())
        for task, by_seed in runs.items()
        for seed, record in by_seed.items()
    ]


def describe_runs(rows: Rows, tasks: Sequence[str]) -> dict[str, Any]:
    """Return the runs of a table's rows as columns, which is much shorter than objects.

    `grid` says at which of the `grids` of steps a run was evaluated. `values` has, for each
    quantity, a list for each run, or None where the run lacks it.

    Args:
        rows: Records of the rows of a table.
        tasks: Columns of the table.
    """
    listed = list_runs(rows)
    grids: dict[tuple[int, ...], int] = {}
    steps = [tuple(int(point["step"]) for point in record.curve) for *_, record in listed]
    differing = list_differences({r.id: r.settings for *_, r in listed})
    return {
        "row": [row for row, *_ in listed],
        "task": [tasks.index(task) for _, task, *_ in listed],
        "seed": [seed for *_, seed, _ in listed],
        "id": [record.id for *_, record in listed],
        "differs": [differing[record.id] for *_, record in listed],
        "seconds": [_rounded(record.seconds) for *_, record in listed],
        "grid": [grids.setdefault(at, len(grids)) for at in steps],
        "grids": list(grids),
        "values": _values([record for *_, record in listed]),
    }


def _values(records: Sequence[Record]) -> dict[str, list[list[float | None] | None]]:
    """Return the curves of all quantities; accuracy comes first, then scores, then the rest."""
    found = {key for r in records for point in r.curve for key in point if _is_shown(key)}
    order = sorted(found, key=lambda key: (key != ACCURACY, "/" in key, key))
    return {key: [_curve(r.curve, key) for r in records] for key in order}


def _is_shown(key: str) -> bool:
    kind, _, name = key.partition("/")
    return key != "step" and (not name or kind in SHOWN)


def _curve(curve: Sequence[Point], key: str) -> list[float | None] | None:
    if not any(key in point for point in curve):
        return None
    digits = 5 if key == ACCURACY else 4
    return [_rounded(point.get(key), digits) for point in curve]


def _rounded(value: float | None, digits: int = 4) -> float | None:
    """Return a number with few significant digits; None where it is not finite."""
    if value is None or value != value or abs(value) == float("inf"):
        return None
    short = float(f"{value:.{digits}g}")
    return int(short) if short.is_integer() else short
