"""Align columns of text for tables in a terminal. Does not import torch."""

from collections.abc import Sequence


def align(rows: Sequence[Sequence[str]], *, left: int = 0, least: int = 0) -> list[str]:
    """Return a line for each row, with its cells in columns two spaces apart.

    Args:
        rows: Cells of each row, the same number in all rows.
        left: Number of columns that are flush left; those after them are flush right.
        least: Smallest width of a column, in characters.
    """
    widths = [max(least, *map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if i < left else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return lines
