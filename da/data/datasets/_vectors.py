"""Domains of rows that a user's file holds: features or images as they are, with their labels."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from da.config.validation import find_control, shorten_names
from da.data import splits
from da.data.domain import Domain
from da.data.label_columns import Column

Labels = Sequence[Any] | np.ndarray | None
"""Label of each row, numbers or words; None for rows without labels."""


def build_domain(
    where: str, x: np.ndarray, labels: Labels, further: Mapping[str, Labels] | None = None
) -> Domain:
    """Build a domain of rows, with the roles that images have in tasks of `folder`.

    All rows are shown as target and tested on. Of the source, every fifth is held out.

    Args:
        where: What holds the rows, for messages.
        x: Features `b d` or images `b h w c`.
        labels: Label of each row, numbers or words; None for rows without labels.
        further: The same of further label columns, by name.

    Raises:
        ValueError: If there is one class alone, or a label is no line of text.
    """
    (classes, y), *others = (
        _number(where, given) if given is not None else ((), np.full(len(x), -1))
        for given in (labels, *(further or {}).values())
    )
    pairs = zip(further or (), others, strict=True)
    columns = tuple(Column(name, names, torch.from_numpy(own)) for name, (names, own) in pairs)
    rows = splits.divide_transductive([*map(str, range(len(x)))], y)
    roles = {role: torch.from_numpy(own) for role, own in rows.items()}
    stored = torch.from_numpy(x), torch.from_numpy(y), roles, digest_rows(x)
    return Domain(classes, *stored, columns=columns)


def digest_rows(x: np.ndarray) -> str:
    """Return the SHA-256 of an array and of its shape."""
    digest = hashlib.sha256(f"{x.dtype} {x.shape}".encode())
    digest.update(np.ascontiguousarray(x).data)
    return digest.hexdigest()


def _number(where: str, labels: Sequence[Any] | np.ndarray) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the classes, and the class of each row."""
    given = np.asarray(labels)
    if given.dtype.kind == "f" and (given == np.round(given)).all():
        given = given.astype(np.int64)
    if given.dtype.kind == "f":
        raise ValueError(f"{where}: labels are whole numbers or words, not {given.flat[0]}")
    every, y = np.unique(given, return_inverse=True)
    names = tuple(str(name) for name in every)
    if len(names) < 2:
        raise ValueError(
            f"{where} has the classes {shorten_names(names) or 'none'}: two are needed"
        )
    for name in names:
        if not name or find_control(name):
            raise ValueError(f"{where} has a class with the name {name!r}")
    return names, y.astype(np.int64)
