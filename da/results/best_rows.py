"""Which rows of a table are marked: the best, and those that are not separable from it."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from da.results.table_render import Cell, Table
from da.statistics.separable import can_separate, find_not_separable


def mark_best(table: Table, best: Callable[..., str]) -> Table:
    """Mark the best number of each column as it is printed, unless it has no rival.

    In an average over tasks, rows that are not separable from the best are marked with it. Rows
    that were shown target labels, and those that an oracle chose, are neither best nor compared.

    Args:
        table: Table of our rows, and of printed ones.
        best: `max`, or `min` for numbers that are better where they are lower.
    """
    fair = [row.cells for row in table.rows if row.section == 0]
    columns = [find_best(column, best) for column in zip(*fair, strict=True)]
    marks = iter(zip(*columns, strict=True))
    rows = []
    for row in table.rows:
        if row.section == 0 and columns:
            pairs = zip(row.cells, next(marks), strict=True)
            row = replace(row, cells=tuple(replace(cell, best=mark) for cell, mark in pairs))
        rows.append(row)
    notes = dict.fromkeys(note for column in zip(*fair, strict=True) if (note := _note(column)))
    return replace(table, rows=tuple(rows), notes=(*table.notes, *notes))


def find_best(column: Sequence[Cell], best: Callable[..., str]) -> list[bool]:
    """Return which cells of a column are the best, or not separable from it over tasks."""
    known = [cell.number for cell in column if cell.number]
    top = best(known, key=float) if len(known) > 1 else None
    marks = [cell.number == top for cell in column]
    if rivals := _rivals(column):
        sign = 1 if best is max else -1
        kept = find_not_separable([sign * column[i].values for i in rivals])
        for i, alike in zip(rivals, kept, strict=True):
            marks[i] |= alike
    return marks


def _rivals(column: Sequence[Cell]) -> list[int]:
    """Return which cells can be compared over tasks; none where tasks are too few to tell."""
    places, tasks = _averages(column)
    return places if can_separate(len(places), tasks) else []


def _averages(column: Sequence[Cell]) -> tuple[list[int], int]:
    """Return which cells are means over tasks, and over how many."""
    places = [i for i, cell in enumerate(column) if cell.number and cell.values is not None]
    tasks = len(column[places[0]].values) if places else 0
    return (places, tasks) if len(places) > 1 and tasks > 1 else ([], 0)


def _note(column: Sequence[Cell]) -> str:
    """Say how the best of a column is marked; nothing for a single task or row."""
    places, tasks = _averages(column)
    if not places:
        return ""
    if _rivals(column):
        return (
            "average: the best and all rows not separable from it are marked "
            f"({tasks} tasks, signed ranks, Holm)"
        )
    return f"{tasks} tasks are too few to tell {len(places)} rows apart: the best alone is marked"
