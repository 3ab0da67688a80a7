"""Labels of a user's Python objects: one an image, or several as a dict or a tuple."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from da.config.validation import shorten_names
from da.data.label_columns import Column
from da.data.own_items import to_label

NO_LABEL = -1
"""Class of target images whose labels nobody knows."""

Label = int | str | None
Labels = Label | dict[str, Label]
"""Label of an image, or its labels by column."""


def read_labels(value: Any, what: str) -> Labels:
    """Read what stands for the label of an image: one, none, or several by column.

    A tuple's columns are called by the fields of a named tuple, or else `0`, `1` and so on.

    Args:
        value: What the user gives.
        what: Which image it is of, for messages.

    Raises:
        ValueError: If one is no class number and no name.
    """
    several = by_column(value)
    if several is None:
        return None if value is None else to_label(value, what)
    return {
        name: None if one is None else to_label(one, f"{what}, {name}")
        for name, one in several.items()
    }


def by_column(value: Any) -> dict[str, Any] | None:
    """Return labels by column; None for a single label."""
    if isinstance(value, Mapping):
        return {str(name): one for name, one in value.items()}
    if isinstance(value, tuple) and len(value) > 1:
        names = getattr(value, "_fields", map(str, range(len(value))))
        return dict(zip(names, value, strict=True))
    if isinstance(value, Tensor | np.ndarray) and value.ndim == 1 and len(value) > 1:
        return {str(i): one for i, one in enumerate(value)}
    return None


def split_columns(
    parts: Sequence[tuple[str, Sequence[Labels]]], known: Sequence[str]
) -> tuple[list[list[Label]], dict[str, list[list[Label]]]]:
    """Split the labels of images into those of the class, and those of each column.

    Args:
        parts: What images are, and their labels.
        known: Names of the columns, the class first; empty for those that the images have.

    Returns:
        Labels of the class in each part; the same of every column, the class among them, where
        there are several.

    Raises:
        ValueError: If some images have one label, and others several, or the target alone has.
    """
    named = [one for _, labels in parts for one in labels if isinstance(one, dict) and one]
    names = [*known] or list(named[0] if named else ())
    if not names:
        return [[None if isinstance(x, dict) else x for x in some] for _, some in parts], {}
    if not known and len(names) > 1 and "source" not in dict(parts):
        raise ValueError(f"target has the label columns {', '.join(names)}, and source one label")
    found: dict[str, list[list[Label]]] = {}
    for name in names:
        found[name] = [[_of(one, name, f"{what}[{i}]", names) for i, one in enumerate(labels)]
                       for what, labels in parts]  # fmt: skip
    return found[names[0]], found


def _of(labels: Labels, name: str, what: str, names: Sequence[str]) -> Label:
    if isinstance(labels, dict):
        return labels.get(name)
    if labels is not None:
        raise ValueError(f"{what} has one label, and others have the columns {', '.join(names)}")
    return None


def name_classes(labels: list[Label], what: str = "source") -> tuple[str, ...]:
    """Return the names among the labels in alphabetical order, or all numbers up to the largest.

    Raises:
        ValueError: If there are fewer than two, names and numbers, or an image without a label.
    """
    if None in labels:
        raise ValueError(f"{what}[{labels.index(None)}] has no label")
    kinds = {type(label) for label in labels}
    if len(kinds) != 1:
        raise ValueError(f"labels of {what} are class numbers or names, not both")
    numbers = [label for label in labels if isinstance(label, int)]
    names = map(str, range(max(numbers) + 1)) if numbers else sorted({*map(str, labels)})
    if len(found := tuple(names)) < 2:
        raise ValueError(f"{what} has one class only, {found[0]!r}: two are needed")
    return found


def number_labels(
    labels: list[Label], own: tuple[str, ...], names: tuple[str, ...], what: str
) -> list[int]:
    """Return the number of each label among the names of the task's classes.

    Args:
        labels: Labels as they were given; none, or one for each image.
        own: Names that the data gives to numbers; empty for those of the task.
        names: Names of the task's classes.
        what: Which data it is, for messages.

    Raises:
        ValueError: If some images have labels and others none, or a label is of no class.
    """
    if all(label is None for label in labels):
        return [NO_LABEL] * len(labels)
    number: dict[int | str | None, int] = {name: i for i, name in enumerate(names)}
    known = dict(number)
    known |= dict(enumerate(range(len(names)))) if not own else {}
    known |= {i: number[name] for i, name in enumerate(own) if name in number}
    for i, label in enumerate(labels):
        if label is None:
            raise ValueError(f"{what}[{i}] has no label, and others have")
        if label not in known:
            shown = own[label] if isinstance(label, int) and label < len(own) else label
            raise ValueError(f"{what}[{i}] has the label {shown!r}, known: {shorten_names(names)}")
    return [known[label] for label in labels]


def number_columns(
    labels: Mapping[str, list[list[Label]]],
    known: Mapping[str, tuple[str, ...]],
    whats: Sequence[str],
) -> tuple[Column, ...]:
    """Number the labels of each column.

    Args:
        labels: Labels of each column, in each part.
        known: Names of the classes of columns, where a source names them.
        whats: What each part is, for messages.
    """
    found = []
    for name, parts in labels.items():
        shown = [f"column {name} of {what}" for what in whats]
        classes = known.get(name) or name_classes(parts[0], shown[0])
        pairs = zip(parts, shown, strict=True)
        y = [c for some, what in pairs for c in number_labels(some, (), classes, what)]
        found.append(Column(name, classes, torch.tensor(y, dtype=torch.int64)))
    return tuple(found)
