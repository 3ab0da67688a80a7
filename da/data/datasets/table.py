"""Your own table, CSV or Parquet: columns of numbers, a column of labels, and one of domains.

A task is written `table:FILE.csv?label=y&domain=site:A-B`. It adapts from the rows whose column
`site` is A to those where it is B, and `y` has their classes, two or more. All other columns are
features, or those of `&columns=age,height`; label columns that a run names are none. Rows come from
your disk; their number is up to you. A target may have an empty column of labels, and `+unlabelled`
after a task does not look at it.

Each feature is scaled to mean 0 and deviation 1 over all rows of the file. Rows have the roles that
images have in tasks of `folder`, and backbones are those for `arrays`. Parquet needs pyarrow.
"""

import csv
import math
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np

from da.config.validation import shorten_names
from da.data import paths
from da.data.datasets._vectors import build_domain, file_state
from da.data.domain import Domain
from da.system.extras import extra

SYNTAX = "FILE.csv?label=y&domain=site:A-B"
DOMAINS = ()
LABEL_COLUMNS = ()

Columns = dict[str, list[Any]]
"""Cells of each column, from top to bottom; those of a CSV file are text."""


class Place(NamedTuple):
    """Where the rows of a domain are."""

    file: Path
    label: str
    """Column of the classes."""
    domain: str
    """Column of the domains."""
    labels: tuple[str, ...]
    """Columns of all labels that the run learns, that of the classes first."""
    features: tuple[str, ...]
    """Columns of the features; none for all others."""
    value: str
    """What the column `domain` has in the rows of the domain, or two such values."""


def pair(names: str) -> tuple[str, str]:
    """Split `FILE?label=...&domain=...:A-B` at the one dash between two values of the column.

    Raises:
        ValueError: If the file or a column is missing, or there is no such dash or more than one.
    """
    place = _parse(names)
    known = {*map(str, _cells(place, place.domain))}
    dashes = [i for i, letter in enumerate(place.value) if letter == "-"]
    found = [(place.value[:i], place.value[i + 1 :]) for i in dashes]
    right = [cut for cut in found if {*cut} <= known]
    if len(right) != 1:
        listed = shorten_names(sorted(known))
        raise ValueError(f"no two domains {place.value!r} in {names!r}, known: A-B of {listed}")
    head = names.removesuffix(place.value)
    return head + right[0][0], head + right[0][1]


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
    place = _parse(name, columns)
    inside = np.array([str(cell) == place.value for cell in _cells(place, place.domain)])
    if not inside.any():
        raise ValueError(f"{place.file} has no row of {place.domain} {place.value!r}")
    x = _features(place, file_state(place.file))[inside]
    where = f"{place.value} in {place.file}"
    if not labeled:
        return build_domain(where, x, None)
    first, *further = (_labels(place, name, np.flatnonzero(inside)) for name in place.labels)
    return build_domain(where, x, first, dict(zip(place.labels[1:], further, strict=True)))


def _parse(names: str, columns: tuple[str, ...] = ()) -> Place:
    """Read `FILE?label=...&domain=...:VALUES`.

    Raises:
        ValueError: If the file does not exist, or a word or a column is unknown.
    """
    path, _, rest = names.partition("?")
    query, _, value = rest.partition(":")
    words = dict(parse_qsl(query, keep_blank_values=True))
    if not {"label", "domain"} <= words.keys() <= {"label", "domain", "columns"} or not value:
        raise ValueError(f"cannot read {names!r} as a table, known: {SYNTAX}")
    features = tuple(filter(None, words.get("columns", "").split(",")))
    own = words["label"], words["domain"]
    place = Place(paths.require_file(path), *own, columns or own[:1], features, value)
    known = _read(place.file, file_state(place.file))
    for column in (place.label, place.domain, *place.labels, *features):
        if column not in known:
            raise ValueError(
                f"{place.file} has no column {column!r}, known: {shorten_names(known)}"
            )
    return place


def _cells(place: Place, column: str) -> list[Any]:
    return _read(place.file, file_state(place.file))[column]


@lru_cache(maxsize=2)
def _read(file: Path, state: tuple[int, int]) -> Columns:
    """Read all cells of a file, again where its `state` has changed."""
    if file.suffix.lower() == ".parquet":
        with extra("table", "a Parquet file"):
            from pyarrow import ArrowException, parquet
        try:
            return parquet.read_table(file).to_pydict()
        except (ArrowException, OSError) as error:
            raise ValueError(f"cannot read {file}: {error}") from error
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            heads, *rows = csv.reader(opened)
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"cannot read {file} as CSV with a header: {error}") from error
    for number, row in enumerate(rows, 2):
        if len(row) != len(heads):
            raise ValueError(f"{file}, row {number}: {len(row)} cells for {len(heads)} columns")
    if len({*heads}) < len(heads):
        raise ValueError(f"{file} has two columns of one name")
    return {head: [row[i] for row in rows] for i, head in enumerate(heads)}


@lru_cache(maxsize=4)
def _features(place: Place, state: tuple[int, int]) -> np.ndarray:
    """Return the scaled features of all rows of a file."""
    every = _read(place.file, state)
    others = place.label, place.domain, *place.labels
    names = place.features or [name for name in every if name not in others]
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
            raise ValueError(f"{_where(file, row)}, column {column}: {what}")
        found.append(number)
    return found


def _labels(place: Place, column: str, rows: np.ndarray) -> list[Any] | None:
    """Return the labels of some rows in a column; None where all cells are empty.

    Raises:
        ValueError: If some are empty, and others are not.
    """
    cells = _cells(place, column)
    labels = [cells[row] for row in rows]
    empty = [label is None or label in ("", "nan") or label != label for label in labels]
    if all(empty):
        return None
    if any(empty):
        row = int(rows[empty.index(True)])
        raise ValueError(f"{_where(place.file, row)}, column {column}: no label")
    if all(isinstance(label, str) and label.isdecimal() for label in labels):
        return [int(label) for label in labels]
    return labels


def _where(file: Path, row: int) -> str:
    """Return file and line of a row; the header of a CSV file is line 1."""
    return f"{file}, row {row}" if file.suffix.lower() == ".parquet" else f"{file}, line {row + 2}"
