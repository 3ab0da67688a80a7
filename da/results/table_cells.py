"""Cells of our rows: means, deviations, and the numbers of the runs behind them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from da.results import aggregate
from da.results.aggregate import Line, Runs
from da.results.choosers import choose
from da.results.records import Record
from da.results.table_render import Cell, Row, Table
from da.statistics.intervals import Interval, Values, over_seeds, over_tasks

PERCENT = 0.0, 100.0
"""Range of accuracies and of the other metrics."""

NOTES = (
    "95 % intervals: where the mean of the same tasks is with other seeds (Student's t over seeds)",
    "second interval: where the mean of other tasks like these is, with other seeds",
)


def collect_values(
    runs: Runs, tasks: Sequence[str], selector: str, score: str = "target_accuracy"
) -> Values | None:
    """Return the number of each run, in the order of seeds; None where a whole task is missing.

    A run that is missing is NaN.

    Args:
        runs: Records of one row.
        tasks: Columns that count.
        selector: What chooses the evaluation of each run.
        score: What is collected: the accuracy, or the score of a selector.
    """
    if aggregate.average(runs, tasks, selector, score)[0] is None:
        return None
    return _collect(runs, tasks, selector, score)


def _collect(runs: Runs, tasks: Sequence[str], selector: str, score: str) -> Values:
    seeds = sorted({seed for task in tasks for seed in runs[task]})
    values = np.full((len(tasks), len(seeds)), np.nan)
    for i, task in enumerate(tasks):
        for seed, record in runs[task].items():
            values[i, seeds.index(seed)] = record.point(selector)[score]
    return values


def make_cell(
    runs: Runs, tasks: Sequence[str], selector: str, score: str = "target_accuracy", digits: int = 1
) -> Cell:
    """Make the cell of a row; the first four arguments are those of `collect_values`."""
    mean, deviation = aggregate.average(runs, tasks, selector, score)
    repeated = mean is not None and aggregate.most_repeated(runs, tasks) > 0
    values = None if mean is None else _collect(runs, tasks, selector, score)
    return Cell(mean, deviation, digits=digits, repeated=repeated, values=values)


def keep_chosen(rows: Mapping[Line, Runs], selector: str) -> dict[Line, Runs]:
    """Return records with no other evaluation than that which a selector chooses.

    Args:
        rows: Records by row, column and seed.
        selector: What chooses the evaluation of each run, whose scores all of them have.
    """
    return {
        line: {
            task: {seed: _keep(r, selector) for seed, r in by_seed.items()}
            for task, by_seed in runs.items()
        }
        for line, runs in rows.items()
    }


def _keep(record: Record, selector: str) -> Record:
    return replace(record, curve=[record.curve[choose(record.curve, selector)]])


def show_intervals(table: Table, limits: tuple[float, float] = PERCENT) -> Table:
    """Show 95 % intervals in place of deviations over seeds.

    Args:
        table: Table of our rows, and of printed ones, which stay.
        limits: Lowest and highest possible number.
    """
    rows = tuple(replace(row, cells=_with_intervals(row, limits)) for row in table.rows)
    several = any(len(cell.intervals) > 1 for row in rows for cell in row.cells)
    shown = "mean [95 % interval over seeds]" + " [over tasks]" * several
    title = table.title.replace("mean ± deviation over seeds", shown)
    return replace(table, title=title, rows=rows, notes=(*table.notes, *NOTES[: 1 + several]))


def find_intervals(
    cell: Cell, limits: tuple[float, float] = PERCENT
) -> tuple[Interval | None, ...]:
    """Return the interval of a mean over seeds and, of several tasks, that over tasks."""
    found = [over_seeds(cell.values)]
    if len(cell.values) > 1:
        found.append(over_tasks(cell.values))
    low, high = limits
    return tuple(one and Interval(*(min(max(end, low), high) for end in one)) for one in found)


def _with_intervals(row: Row, limits: tuple[float, float]) -> tuple[Cell, ...]:
    return tuple(
        cell
        if cell.values is None
        else replace(cell, deviation=None, intervals=find_intervals(cell, limits))
        for cell in row.cells
    )
