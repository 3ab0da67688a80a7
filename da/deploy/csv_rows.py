"""Rows of CSV that tell what a network predicts."""

import csv
import io
from collections.abc import Sequence

from da.deploy.predict import UNKNOWN, Model, Probabilities


def csv_heads(model: Model) -> list[str]:
    """Return the heads of columns of a CSV of predictions, after that of the path."""
    heads = ["class", "probability", *model.classes]
    for name, classes in model.columns.items():
        heads += [name, f"{name} probability", *(f"{name} {label}" for label in classes)]
    return [*heads, UNKNOWN] if model.rejects else heads


def csv_cells(model: Model, outputs: Probabilities) -> list[str]:
    """Return the cells below `csv_heads`."""
    best = zip(model.name_classes(outputs), outputs, strict=False)
    cells = [cell for (label, p), of in best for cell in (label, *(f"{s:.6f}" for s in (p, *of)))]
    return [*cells, f"{outputs[-1][0]:.6f}"] if model.rejects else cells


def csv_line(row: Sequence[object]) -> str:
    """Format a row as one line of CSV, without the line break."""
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(row)
    return out.getvalue()
