"""Your own table, CSV or Parquet: columns of numbers, a column of labels, and one of domains.

A task is written `table:FILE.csv?label=y&domain=site:A-B`. It adapts from the rows whose column
`site` is A to those where it is B, and `y` has their classes, two or more. All other columns are
features, or those of `&columns=age,height`; label columns that a run names are none. Rows come from
your disk; their number is up to you. A target may have an empty column of labels, and `+unlabelled`
after a task does not look at it.

Each feature is scaled to mean 0 and deviation 1 over all rows of the file. Rows have the roles that
images have in tasks of `folder`, and backbones are those for `arrays`. Parquet needs pyarrow.
"""

import math
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from da.data import paths
from da.data.datasets import _columns
from da.data.datasets._columns import Place
from da.data.datasets._vectors import build_domain
from da.data.domain import Domain

SYNTAX = "FILE.csv?label=y&domain=site:A-B"
DOMAINS = ()
LABEL_COLUMNS = ()

_WORDS = "label", "domain"


def pair(names: str) -> tuple[str, str]:
    """Split `FILE?label=...&domain=...:A-B` at the one dash between two values of the column.

    Raises:
        ValueError: If the file or a column is missing, or there is no such dash or more than one.
    """
    return _columns.split_values(names, _WORDS, SYNTAX, "columns")


def open_domain(name: str, columns: tuple[str, ...] = ()) -> Domain:
    """Open the rows of a domain, which is named as `pair` names it.

    Args:
        name: File, columns and domain.
        columns: Columns of labels, the first as the class; empty for that of the name.

    Raises:
        ValueError: If a cell is no finite number, or only some rows have a label.
    """
    return _open(name, columns, labeled=True)


def open_unlabeled(name: str, columns: tuple[str, ...] = ()) -> Domain:
    """Open the rows of a domain, and do not look at labels; else as `open_domain`."""
    return _open(name, columns, labeled=False)


def _open(name: str, columns: tuple[str, ...], *, labeled: bool) -> Domain:
    place = _columns.parse_place(name, _WORDS, SYNTAX, "columns")
    columns = columns or (place.column("label"),)
    _columns.require_columns(place.file, [*columns, *_named(place)])
    rows = place.select_rows()
    x = _features(place, columns, paths.file_state(place.file))[rows]
    where = f"{place.value} in {place.file}"
    if not labeled:
        return build_domain(where, x, None)
    first, *further = (place.labels(rows, column) for column in columns)
    return build_domain(where, x, first, dict(zip(columns[1:], further, strict=True)))


def _named(place: Place) -> list[str]:
    """Return the columns of features that a task names; none for all others."""
    return [*filter(None, place.column("columns").split(","))]


@lru_cache(maxsize=4)
def _features(place: Place, columns: tuple[str, ...], state: tuple[int, int]) -> np.ndarray:
    """Return the scaled features of all rows of a file."""
    every = place.every
    others = {place.column(word) for word in _WORDS} | {*columns}
    names = _named(place) or [n for n in every if n not in others]
    if not names:
        raise ValueError(f"{place.file} has no column of features")
    x = np.array([_numbers(place.file, name, every[name]) for name in names]).T
    spread = x.std(0)
    return ((x - x.mean(0)) / np.where(spread > 0, spread, 1)).astype(np.float32)


def _numbers(file: Path, column: str, cells: list[Any]) -> list[float]:
    """Read the cells of a column.

    Raises:
        ValueError: If one is no finite number.
    """
    found = []
    for row, cell in enumerate(cells):
        try:
            number = float(cell)
        except (TypeError, ValueError):
            number = math.nan
        if not math.isfinite(number):
            what = "no number" if cell in ("", None) else f"{cell!r}, no finite number"
            raise ValueError(f"{_columns.describe_row(file, row)}, column {column}: {what}")
        found.append(number)
    return found
