"""Render records as CSV: one line per method, task and selector. Does not import torch."""

import csv
import io
from collections.abc import Sequence
from itertools import product

from da.results.aggregate import (
    average,
    check_selectors,
    group_records,
    list_tasks,
    most_repeated,
)
from da.results.label_columns import keep_runs, list_columns
from da.results.literature_rows import cite, reference_for
from da.results.records import Record
from da.results.shown_metric import check_metric, show_metric
from da.results.table_cost import costs

COLUMNS = (
    *("method", "task", "chosen_by", "mean", "deviation", "seeds", "uses_target_labels"),
    *("printed", "printed_deviation", "printed_in", "differs"),
    *("machine", "seconds", "images_per_second"),
)
"""Header of the CSV; `repeated` is added where some test images are training images too.

So is `label_column` where runs learn several, with a line for each, and `metric` where the numbers
are no accuracies.
"""


def render_csv(
    records: Sequence[Record],
    chosen_by: Sequence[str] = ("last",),
    metric: str = "",
    papers: Sequence[str] = (),
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
    writer.writerow(
        [*COLUMNS, *["repeated"] * shown, *["label_column"] * bool(columns), *["metric"] * other]
    )
    for line, runs in rows.items():
        labels = "yes" if line.labels else "no"
        for task in (task for task in list_tasks(rows) if task in runs):
            n = reference_for(line, task, rows, metric, papers)
            printed = [n.value, n.std, cite(n), n.differs] if n else [None] * 4
            cost = _joined(costs([runs[task]]))
            end = [*printed, *cost, *[most_repeated(runs, [task])] * shown]
            for name, column in product(names, columns or [""]):
                kept = keep_runs(runs, column, columns, name) if column else runs
                ours = map(_digits, average(kept, [task], "last" if column else name))
                start = [line.label, task, name, *ours, len(runs[task]), labels]
                writer.writerow([*start, *end, *[column] * bool(column), *[metric] * other])
    return out.getvalue()


def _joined(costs: dict[str, tuple[float, float]]) -> list[str]:
    """Return machine, seconds and images per second as text; several machines are joined."""
    rows = [(machine, *map(_digits, cost)) for machine, cost in costs.items()]
    return ["; ".join(column) for column in zip(*rows, strict=True)]


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
