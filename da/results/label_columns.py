"""Accuracies of several label columns in records. Does not import torch."""

from collections.abc import Sequence
from dataclasses import replace

from da.config.label_columns import MEAN
from da.results.aggregate import Runs
from da.results.records import Point, Record

ACCURACY = "target_accuracy"

CLASS = "class"
"""Column of runs that name none, where another run names it."""


def list_columns(records: Sequence[Record]) -> list[str]:
    """List the label columns of runs, and `mean` where a run has several; nothing for just one."""
    named = [tuple(r.settings.get("label_columns", ())) for r in records]
    found = [*dict.fromkeys(name for columns in named for name in columns)]
    if len(found) < 2:
        return []
    return found + [MEAN] * any(len(columns) > 1 for columns in named)


def keep_column(record: Record, column: str, every: Sequence[str], chosen_by: str) -> Record:
    """Return a record of one evaluation, whose target accuracy is that of a label column.

    It has no target accuracy where the run did not learn the column.

    Args:
        record: Record of a run.
        column: Name of the column, or `mean`.
        every: All columns of a table, as `list_columns` gives them.
        chosen_by: What chooses the evaluation, for all columns of a run alike.
    """
    if not record.curve:
        return record
    point = record.point(chosen_by)
    own = record.settings.get("label_columns") or [CLASS if CLASS in every else every[0]]
    key = ACCURACY if column == own[0] else f"{ACCURACY}/{column}"
    rest = {name: value for name, value in point.items() if name != ACCURACY}
    kept: Point = rest | ({ACCURACY: point[key]} if key in point else {})
    return replace(record, curve=[kept])


def keep_runs(runs: Runs, column: str, every: Sequence[str], chosen_by: str) -> Runs:
    """Return the records of a row as `keep_column` does, with its arguments."""
    return {
        task: {seed: keep_column(r, column, every, chosen_by) for seed, r in by_seed.items()}
        for task, by_seed in runs.items()
    }


def describe_columns(point: Point, columns: Sequence[str]) -> str:
    """Describe the accuracies of further label columns, and the mean, at an evaluation.

    Args:
        point: The evaluation.
        columns: Label columns of the run, the class first.
    """
    names = [*columns[1:], MEAN] if columns[1:] else []
    found = {name: point.get(f"{ACCURACY}/{name}") for name in names}
    return ", ".join(f"{name} {value:.1f} %" for name, value in found.items() if value is not None)
