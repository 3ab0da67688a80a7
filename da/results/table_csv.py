"""Render records as CSV: one line per method, task and selector. Does not import torch."""

import csv
import io
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

from da.results.aggregate import (
    Line,
    Runs,
    check_selectors,
    group_records,
    list_tasks,
    most_repeated,
)
from da.results.best_rows import find_best
from da.results.label_columns import keep_runs, list_columns
from da.results.literature_rows import cite, reference_for
from da.results.records import Record
from da.results.shown_metric import FALLING, check_metric, show_metric
from da.results.table_cells import find_intervals, make_cell
from da.results.table_cost import costs
from da.results.table_render import Cell

COLUMNS = (
    *("method", "task", "chosen_by", "mean", "deviation", "seeds", "uses_target_labels"),
    *("printed", "printed_deviation", "printed_in", "differs"),
    *("machine", "seconds", "images_per_second"),
)
"""Header of the CSV; `repeated` is added where some test images are training images too.

So is `label_column` where runs learn several, with a line for each, and `metric` where the numbers
are no accuracies.
"""


LIMITS = "low", "high", "low_over_tasks", "high_over_tasks", "best"
"""Columns of 95 % intervals, over seeds and over tasks, and of which averages are marked."""


def render_csv(
    records: Sequence[Record],
    chosen_by: Sequence[str] = ("last",),
    metric: str = "",
    papers: Sequence[str] = (),
    interval: bool = False,
) -> str:
    """Render the records of an experiment as CSV.

    Arguments and errors are those of `da.results.tables.render_table`.
    """
    metric = check_metric(records, metric)
    if other := metric != "accuracy":
        records = [show_metric(record, metric) for record in records]
    names = check_selectors(records, chosen_by)
    rows = group_records(records)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    shown = any(most_repeated(runs, runs) for runs in rows.values())
    columns = list_columns(records)
    heads = [*COLUMNS, *["repeated"] * shown, *["label_column"] * bool(columns)]
    writer.writerow([*heads, *["metric"] * other, *LIMITS * interval])
    for line, runs in rows.items():
        for task in (task for task in list_tasks(rows) if task in runs):
            n = reference_for(line, task, rows, metric, papers)
            printed = [n.value, n.std, cite(n), n.differs] if n else [None] * 4
            cost = _joined(costs([runs[task]]))
            end = [*printed, *cost, *[most_repeated(runs, [task])] * shown]
            for name, column in product(names, columns or [""]):
                cell = _cell(runs, [task], name, column, columns)
                start = _start(line, task, name, cell, len(runs[task]))
                own = [*[column] * bool(column), *[metric] * other, *_ends(cell) * interval]
                writer.writerow([*start, *end, *own])
    if interval:
        blank = [""] * (7 + shown)
        for start, cell, column, mark in _averages(rows, names, columns, metric):
            own = [*[column] * bool(column), *[metric] * other, *_ends(cell)[:4], mark]
            writer.writerow([*start, *blank, *own])
    return out.getvalue()


def _averages(
    rows: dict[Line, Runs], names: Sequence[str], columns: Sequence[str], metric: str
) -> Iterator[tuple[list[Any], Cell, str, str]]:
    """Yield first values, cell, label column and mark of each average over tasks."""
    tasks = list_tasks(rows)
    best = min if metric in FALLING else max
    for name, column in product(names, columns or [""]) if len(tasks) > 1 else ():
        cells = {line: _cell(runs, tasks, name, column, columns) for line, runs in rows.items()}
        fair = [line for line in cells if not line.labels and not line.oracle]
        marks = dict(zip(fair, find_best([cells[line] for line in fair], best), strict=True))
        for line, cell in cells.items():
            count = min(map(len, rows[line].values()))
            mark = "yes" if marks.get(line) else "no"
            yield _start(line, "average", name, cell, count), cell, column, mark


def _cell(runs: Runs, tasks: Sequence[str], name: str, column: str, columns: Sequence[str]) -> Cell:
    kept = keep_runs(runs, column, columns, name) if column else runs
    return make_cell(kept, tasks, "last" if column else name)


def _start(line: Line, task: str, name: str, cell: Cell, seeds: int) -> list[Any]:
    labels = "yes" if line.labels else "no"
    ours = map(_digits, (cell.mean, cell.deviation))
    return [line.label, task, name, *ours, seeds, labels]


def _ends(cell: Cell) -> list[str]:
    """Return the ends of both intervals of a cell, empty where there is none, and no mark."""
    found = find_intervals(cell) if cell.values is not None else ()
    pairs = [*found, None, None][:2]
    return [_digits(end) for pair in pairs for end in (pair or (None, None))] + [""]


def _joined(costs: dict[str, tuple[float, float]]) -> list[str]:
    """Return machine, seconds and images per second as text; several machines are joined."""
    rows = [(machine, *map(_digits, cost)) for machine, cost in costs.items()]
    return ["; ".join(column) for column in zip(*rows, strict=True)]


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
