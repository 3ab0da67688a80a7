"""Files of rows, CSV or Parquet, whose columns a task names: `FILE?label=y&domain=site:A-B`."""

import csv
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

import numpy as np

from da.config.validation import shorten_names
from da.data import paths
from da.system.extras import extra

Columns = dict[str, list[Any]]
"""Cells of each column, from top to bottom; those of a CSV file are text."""

ENDINGS = ".csv", ".parquet"
"""Endings of such files."""

LONGEST_CELL = 2**31 - 1
"""Letters in a cell: the csv module's own limit is shorter than a book."""


class Place(NamedTuple):
    """Where the rows of a domain are."""

    file: Path
    words: tuple[tuple[str, str], ...]
    """What the task says of columns, as pairs of a word and the name of a column."""
    value: str
    """What the column `domain` has in the rows of the domain, or two such values."""

    def column(self, word: str) -> str:
        """Return the name of the column that a word stands for; empty for none."""
        return dict(self.words).get(word, "")

    def cells(self, word: str) -> list[Any]:
        """Return the cells of the column that a word stands for."""
        return self.every[self.column(word)]

    @property
    def every(self) -> Columns:
        """All cells of the file."""
        return read_columns(self.file)

    def select_rows(self) -> np.ndarray:
        """Return the numbers of the rows of the domain, counted from 0.

        Raises:
            ValueError: If there is none.
        """
        rows = np.flatnonzero([str(cell) == self.value for cell in self.cells("domain")])
        if not len(rows):
            name = self.column("domain")
            raise ValueError(f"{self.file} has no row of {name} {self.value!r}")
        return rows

    def labels(self, rows: np.ndarray, column: str = "") -> list[Any] | None:
        """Return the labels of some rows; None where all cells are empty.

        Args:
            rows: Numbers of the rows.
            column: Column of the labels; empty for that of the task.

        Raises:
            ValueError: If some are empty, and others are not.
        """
        column = column or self.column("label")
        cells = self.every[column]
        labels = [cells[row] for row in rows]
        empty = [is_empty(label) for label in labels]
        if all(empty):
            return None
        if any(empty):
            where = describe_row(self.file, int(rows[empty.index(True)]))
            raise ValueError(f"{where}, column {column}: no label")
        if all(isinstance(label, str) and label.isdecimal() for label in labels):
            return [int(label) for label in labels]
        return labels


def is_empty(cell: Any) -> bool:
    """Return whether a cell holds nothing."""
    return cell is None or cell in ("", "nan") or cell != cell


def split_values(names: str, needed: Iterable[str], syntax: str, *more: str) -> tuple[str, str]:
    """Split `FILE?label=...&domain=...:A-B` at the one dash between two values of the column.

    Args:
        names: What stands in the task.
        needed: Words that it needs.
        syntax: How such tasks are written.
        *more: Words that it may have.

    Raises:
        ValueError: If the file or a column is missing, or there is no such dash or more than one.
    """
    place = parse_place(names, needed, syntax, *more)
    known = {*map(str, place.cells("domain"))}
    dashes = [i for i, letter in enumerate(place.value) if letter == "-"]
    found = [(place.value[:i], place.value[i + 1 :]) for i in dashes]
    right = [cut for cut in found if {*cut} <= known]
    if len(right) != 1:
        listed = shorten_names(sorted(known))
        raise ValueError(f"no two domains {place.value!r} in {names!r}, known: A-B of {listed}")
    head = names.removesuffix(place.value)
    return head + right[0][0], head + right[0][1]


def parse_place(names: str, needed: Iterable[str], syntax: str, *more: str) -> Place:
    """Read `FILE?label=...&domain=...:VALUES`.

    Args:
        names: What stands in the task.
        needed: Words that it needs, each with a column.
        syntax: How such tasks are written.
        *more: Words that it may have.

    Raises:
        ValueError: If the file does not exist, or a word or a column is unknown.
    """
    path, _, rest = names.partition("?")
    query, _, value = rest.partition(":")
    words = dict(parse_qsl(query, keep_blank_values=True))
    if not {*needed} <= words.keys() <= {*needed, *more} or not value:
        raise ValueError(f"cannot read {names!r} as a table, known: {syntax}")
    place = Place(paths.require_file(path), tuple(words.items()), value)
    require_columns(place.file, [words[word] for word in needed])
    return place


def require_columns(file: Path, names: Iterable[str]) -> None:
    """Check that a file has columns of these names.

    Raises:
        ValueError: If it lacks one.
    """
    known = read_columns(file)
    for name in names:
        if name not in known:
            raise ValueError(f"{file} has no column {name!r}, known: {shorten_names(known)}")


def read_columns(file: Path) -> Columns:
    """Read all cells of a file, again where it has changed.

    Raises:
        ValueError: If it cannot be read, or its rows or columns do not fit together.
    """
    return _read(file, paths.file_state(file))


@lru_cache(maxsize=2)
def _read(file: Path, state: tuple[int, int]) -> Columns:
    if file.suffix.lower() == ".parquet":
        with extra("table", "a Parquet file"):
            from pyarrow import ArrowException, parquet
        try:
            return parquet.read_table(file).to_pydict()
        except (ArrowException, OSError) as error:
            raise ValueError(f"cannot read {file}: {error}") from error
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            csv.field_size_limit(LONGEST_CELL)
            heads, *rows = [*csv.reader(opened)] or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise ValueError(f"cannot read {file} as CSV with a header: {error}") from error
    while rows and not rows[-1]:  # empty lines at the end
        rows.pop()
    for number, row in enumerate(rows, 2):
        if len(row) != len(heads):
            raise ValueError(f"{file}, row {number}: {len(row)} cells for {len(heads)} columns")
    if len({*heads}) < len(heads):
        raise ValueError(f"{file} has two columns of one name")
    return {head: [row[i] for row in rows] for i, head in enumerate(heads)}


def read_texts(file: Path, column: str, rows: Iterable[int]) -> list[str]:
    """Return the texts in some rows of a column.

    Args:
        file: The file.
        column: Name of the column.
        rows: Numbers of the rows, counted from 0.

    Raises:
        ValueError: If a cell is empty or no text.
    """
    cells, found = read_columns(file)[column], []
    for row in rows:
        cell = cells[row]
        if not isinstance(cell, str) or not cell.strip():
            empty = is_empty(cell) or isinstance(cell, str)
            what = "no text" if empty else f"{cell!r}, no text"
            raise ValueError(f"{describe_row(file, row)}, column {column}: {what}")
        found.append(cell)
    return found


def describe_row(file: Path, row: int) -> str:
    """Return file and line of a row; the header of a CSV file is line 1."""
    return f"{file}, row {row}" if file.suffix.lower() == ".parquet" else f"{file}, line {row + 2}"
