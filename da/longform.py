"""Records to CSV: a line for each method, task and selector. No torch."""

import csv
import io
from collections.abc import Sequence

from da.gather import average, chosen, gather, tasks
from da.printed import beside, cited
from da.records import Record

COLUMNS = (
    *("method", "task", "chosen_by", "mean", "deviation", "seeds", "uses_target_labels"),
    *("printed", "printed_deviation", "printed_in", "differs"),
)


def render(records: Sequence[Record], chosen_by: Sequence[str] = ("last",)) -> str:
    """The CSV of an experiment; arguments and errors as in `da.tables.render`."""
    names = chosen(records, chosen_by)
    rows = gather(records)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for line, runs in rows.items():
        labels = "yes" if line.labels else "no"
        for task in (task for task in tasks(rows) if task in runs):
            n = beside(line, task)
            printed = [n.value, n.std, cited(n), n.differs] if n else [None] * 4
            for name in names:
                ours = map(_digits, average(runs, [task], name))
                seeds = len(runs[task])
                writer.writerow([line.label, task, name, *ours, seeds, labels, *printed])
    return out.getvalue()


def _digits(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
