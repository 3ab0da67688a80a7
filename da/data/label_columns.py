"""Columns of labels next to the class of each image, and how a domain's columns are chosen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.config.validation import shorten_names

FILE = "columns.json"
"""File of the columns of a stored domain, next to its images."""


@dataclass(frozen=True)
class Column:
    """A column of labels: its name, the names of its classes, and the class of each row."""

    name: str
    classes: tuple[str, ...]
    """Names of the classes; none where no label is known."""
    y: Int[Tensor, "b"]
    """Class of each row, or -1 for all where no label is known."""

    @property
    def is_labeled(self) -> bool:
        """Whether the rows have labels."""
        return bool((self.y >= 0).all())

    def without_labels(self, classes: tuple[str, ...] = ()) -> "Column":
        """Return the column as if the label of no row were known.

        Args:
            classes: Names of the classes, where a source names them.
        """
        return replace(self, classes=classes, y=torch.full_like(self.y, -1))


def choose_columns(
    columns: Mapping[str, Column], names: Sequence[str], where: str
) -> tuple[Column, ...]:
    """Return the columns of these names.

    Args:
        columns: All columns of some data.
        names: Names of the wanted ones.
        where: What the data is, for messages.

    Raises:
        ValueError: A column does not exist.
    """
    if not columns:
        raise ValueError(f"{where} has one label an image: leave label_columns out")
    for name in names:
        if name not in columns:
            known = shorten_names(columns)
            raise ValueError(f"{where} has no label column {name!r}, known: {known}")
    return tuple(columns[name] for name in names)


def make_column(name: str, labels: Sequence[str]) -> Column:
    """Number the labels of a column by the alphabetical order of its classes."""
    classes, y = np.unique(np.array(labels), return_inverse=True)
    return Column(name, tuple(map(str, classes)), torch.from_numpy(y.astype(np.int64)))


def require_same_classes(task: str, classes: Mapping[str, tuple[str, ...]], hint: str = "") -> None:
    """Refuse domains whose classes differ, and name these.

    Args:
        task: The task's name, for messages.
        classes: Names of the classes of each domain.
        hint: What the message ends with where the last domain has some of the first one's classes.

    Raises:
        ValueError: They are not the same.
    """
    every = {*chain.from_iterable(classes.values())}
    shared = every.intersection(*classes.values())
    said = [f"only {here} has {shorten_names(more)}" for here, own in classes.items()
            if (more := {*own} - shared)]  # fmt: skip
    if said:
        first, *_, last = map(set, classes.values())
        end = hint if last < first else ""
        raise ValueError(f"{task}: both domains need the same classes, but {', '.join(said)}{end}")


def match_columns(
    task: str, source: Sequence[Column], target: Sequence[Column], count: int
) -> tuple[Column, ...]:
    """Return the target's columns; those without labels have the classes of the source's.

    Args:
        task: What the domains are of, for messages.
        source: Columns of the source, which has labels.
        target: Columns of the target; none where its labels were not looked at.
        count: Number of rows of the target.

    Raises:
        ValueError: A column of the source has no labels, or has other classes than the target's.
    """
    found = []
    for place, mine in enumerate(source):
        if not mine.is_labeled:
            raise ValueError(f"{task}: the source has no labels in column {mine.name!r}")
        theirs = target[place] if target else replace(mine, y=mine.y.new_full((count,), -1))
        if not theirs.is_labeled:
            theirs = theirs.without_labels(mine.classes)
        both = {"the source": mine.classes, "the target": theirs.classes}
        require_same_classes(f"{task}, column {mine.name!r}", both)
        found.append(theirs)
    return tuple(found)


def check_column(column: Any, count: int, where: str) -> None:
    """Check a column that a user's data set gave.

    Args:
        column: What it gave.
        count: Number of rows of the domain.
        where: Where it did, for messages.

    Raises:
        ValueError: It is no column of so many rows.
    """
    if not isinstance(column, Column):
        raise ValueError(f"{where} has columns of {type(column).__name__}, known: Column")
    y, most = column.y, len(column.classes)
    fits = isinstance(y, Tensor) and y.dtype == torch.int64 and y.shape == (count,)
    if not fits or not bool(((y >= -1) & (y < most)).all()):
        raise ValueError(f"{where}: column {column.name!r} has another y than places in classes")


def save_columns(folder: Path, columns: Sequence[Column]) -> None:
    """Write columns next to the images of a domain."""
    content = [[column.name, column.classes, column.y.tolist()] for column in columns]
    (folder / FILE).write_text(json.dumps(content))


def load_columns(folder: Path) -> dict[str, Column]:
    """Read the columns next to the images of a domain; none where it has its class alone."""
    file = folder / FILE
    content = json.loads(file.read_text()) if file.exists() else []
    return {
        name: Column(name, tuple(classes), torch.tensor(y, dtype=torch.int64))
        for name, classes, y in content
    }
