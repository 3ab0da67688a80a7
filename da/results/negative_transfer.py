"""A column of a table that counts tasks on which adaptation did harm. Does not import torch."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

from da.results.aggregate import Line, Runs
from da.results.label_columns import ACCURACY
from da.results.records import Record
from da.results.table_render import Cell, Group, Table

BASELINE = "source_only"
"""Method that the others are compared with."""

HEAD = "below"
"""Head of the column."""


def add_count(table: Table, rows: dict[Line, Runs], tasks: Sequence[str], best: Callable) -> Table:
    """Add the number of tasks on which a row is worse than `source_only`, in the mean over seeds.

    A row with few labels is compared with the baseline that saw as many, where there is one. Tables
    of one task, or without a baseline, stay as they are.

    Args:
        table: Table of our rows, and of printed ones.
        rows: Records of our rows, whose last evaluations count.
        tasks: Columns of the records.
        best: `max`, or `min` for numbers that are better where they are lower.
    """
    counts = {line.marked_label: _count(line, rows, tasks, best) for line in rows}
    if len(tasks) < 2 or not any(count is not None for count in counts.values()):
        return table
    full = tuple(
        replace(row, cells=(*row.cells, Cell(counts.get(row.label), digits=0)))
        for row in table.rows
    )
    *parts, last = table.groups or [None]
    groups = () if last is None else (*parts, _widen(last, len(table.heads)))
    note = f"{HEAD}: of {len(tasks)} tasks, those on which the mean is worse than {BASELINE}'s"
    return replace(
        table,
        heads=(*table.heads, HEAD),
        rows=tuple(full),
        groups=groups,
        notes=(*table.notes, note),
    )


def _widen(group: Group, column: int) -> Group:
    return replace(group, columns=(*group.columns, column), heads=(*group.heads, HEAD))


def _count(
    line: Line, rows: dict[Line, Runs], tasks: Sequence[str], best: Callable
) -> float | None:
    """Return the number of tasks on which a row is worse; None where a number is missing."""
    ours = [other for other in rows if other.label.startswith(BASELINE) and not other.oracle]
    ours.sort(key=lambda other: other.few != line.few)
    if not ours or ours[0] == line:
        return None
    pairs = [[_mean(rows[of].get(task, {})) for of in (line, ours[0])] for task in tasks]
    if any(None in pair for pair in pairs):
        return None
    return sum(a != b and best(a, b) == b for a, b in pairs)


def _mean(by_seed: dict[Any, Record]) -> float | None:
    """Return the mean accuracy over seeds; None where there is none."""
    if not by_seed or not all(ACCURACY in record.curve[-1] for record in by_seed.values()):
        return None
    return fmean(record.curve[-1][ACCURACY] for record in by_seed.values())
