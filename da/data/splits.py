"""Which rows train, which validate and which test: by the hash of a name, or the user's own."""

import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

Rows = Int[np.ndarray, "_"]


def order_by_hash(names: Sequence[str]) -> Int[np.ndarray, "_"]:
    """The order of the names' SHA-256."""
    hashes = [hashlib.sha256(os.fsencode(name)).digest() for name in names]
    return np.array(hashes, "S32").argsort()


def hold_out(
    names: Sequence[str], y: Int[np.ndarray, "n"], every: int = 5
) -> Bool[np.ndarray, "n"]:
    """Which images are held out: of each class every fifth in the order of the names' SHA-256.

    The second is the first that is, so that no class is without training images. `every` gives
    another share than a fifth.
    """
    order = order_by_hash(names)
    held = np.zeros(len(y), bool)
    for c in np.unique(y):
        held[order[y[order] == c][1::every]] = True
    return held


def split_in_three(names: Sequence[str], y: Int[np.ndarray, "n"]) -> tuple[Rows, Rows, Rows]:
    """Rows for training, validation and tests: 70, 10 and 20 % of each class, by `hold_out`.

    Of three images of a class each gets one.
    """
    test = hold_out(names, y)
    rest = np.flatnonzero(~test)
    validation = hold_out([names[int(i)] for i in rest], y[rest], every=8)
    return rest[~validation], rest[validation], np.flatnonzero(test)


def assign_roles(train: Rows, validation: Rows, test: Rows) -> dict[str, Rows]:
    """Rows of a domain in three parts that share none, by the names in `da.data.domain.PARTS`."""
    return {
        "source_train": train,
        "source_test": validation,
        "target_train": train,
        "target_test": test,
    }


def split_published(train_y: Int[np.ndarray, "n"], tests: int) -> dict[str, Rows]:
    """Split published training images, by their classes, and the `tests` test images behind them.

    Every tenth training image of a class, in the order of the hash of its number, validates.
    """
    every = np.arange(len(train_y))
    held = hold_out([str(i) for i in every], train_y, every=10)
    return assign_roles(every[~held], every[held], len(train_y) + np.arange(tests))


def split_supervised(
    rows: Mapping[str, Int[Tensor, "_"]], y: Int[Tensor, "n"]
) -> tuple[Int[Tensor, "_"], Int[Tensor, "_"], Int[Tensor, "_"]]:
    """Training, validation and test rows of one domain, by its rows in each role.

    Tests are those of a target. All else that is trained on, as source or as target, is for
    training. Where the source's tests are the target's too, every tenth image of each class is
    taken from training for validation.
    """
    test = rows["target_test"]
    train = torch.cat([rows["source_train"], _without(rows["target_train"], rows["source_train"])])
    validation = _without(rows["source_test"], test)
    if not len(validation):
        train = _without(train, test)
        validation = torch.cat([train[y[train] == c][1::10] for c in y.unique()])
    return _without(train, torch.cat([validation, test])), validation, test


def _without(rows: Int[Tensor, "_"], others: Int[Tensor, "_"]) -> Int[Tensor, "_"]:
    return rows[torch.isin(rows, others, invert=True)]
