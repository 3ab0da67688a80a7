"""Differences of our rows from those printed in papers. Does not import torch."""

from collections.abc import Sequence
from math import hypot

from da.results.table_render import Cell, Row

FAR, UNKNOWN = "!", "?"
"""Marks of a difference beyond two deviations, and of one that no deviation belongs to."""

NOTES = {
    FAR: f"{FAR} the difference is beyond two deviations: of ours and of the printed number "
    "together, where both are known",
    UNKNOWN: f"{UNKNOWN} ours has one seed and the printed number no deviation",
}
END = ", difference"
"""End of the label of a row of differences."""


def difference_row(ours: Row, printed: Row) -> Row | None:
    """Return a row of what ours has more than a printed row, or None where nothing is in both.

    Printed numbers of images that are only similar to ours are left out.
    """
    cells = tuple(map(_difference, ours.cells, printed.cells))
    if all(cell.mean is None for cell in cells):
        return None
    return Row(f"{ours.label}{END}", 2, cells, "")


def _difference(ours: Cell, printed: Cell) -> Cell:
    """Return ours minus printed, marked where it is beyond two deviations."""
    if ours.mean is None or printed.mean is None or printed.alike:
        return Cell()
    apart = ours.mean - printed.mean
    known = [cell.deviation for cell in (ours, printed) if cell.deviation is not None]
    mark = FAR if known and abs(apart) > 2 * hypot(*known) else "" if known else UNKNOWN
    return Cell(apart, signed=True, mark=mark)


def describe_differences(rows: Sequence[Row]) -> list[str]:
    """Return a note on each mark that rows have."""
    marks = {cell.mark for row in rows for cell in row.cells}
    return [note for mark, note in NOTES.items() if mark in marks]
