"""Division of images into training, validation and test rows, by hashes of their names."""

import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Bool, Int
from torch import Tensor

from da.data.domain import PARTS

Rows = Int[np.ndarray, "_"]


def order_by_hash(names: Sequence[str]) -> Int[np.ndarray, "_"]:
    """Return the indices that sort names by their SHA-256."""
    hashes = [hashlib.sha256(os.fsencode(name)).digest() for name in names]
    return np.array(hashes, "S32").argsort()


def hold_out(
    names: Sequence[str], y: Int[np.ndarray, "n"], every: int = 5
) -> Bool[np.ndarray, "n"]:
    """Mark every fifth image of each class, in the order of the names' SHA-256, as held out.

    The first image of a class in that order is never held out, the second always is. So no class
    is left without training images.

    Args:
        names: Name of each image.
        y: Class of each image.
        every: One image of this many is held out.
    """
    order = order_by_hash(names)
    held = np.zeros(len(y), bool)
    for c in np.unique(y):
        held[order[y[order] == c][1::every]] = True
    return held


def divide_transductive(names: Sequence[str], y: Int[np.ndarray, "n"]) -> dict[str, Rows]:
    """Return the rows for each role where all target images are shown, and tested on.

    Of the source, some of each class are held out; none of a class that has one image.

    Args:
        names: Name of each image.
        y: Class of each image.
    """
    every, held = np.arange(len(y)), hold_out(names, y)
    return dict(zip(PARTS, (every[~held], every[held], every, every), strict=True))


def split_in_three(names: Sequence[str], y: Int[np.ndarray, "n"]) -> tuple[Rows, Rows, Rows]:
    """Divide rows by `hold_out`: of each class 70 % train, 10 % validate and 20 % test.

    Of three images of a class each part gets one.
    """
    test = hold_out(names, y)
    rest = np.flatnonzero(~test)
    validation = hold_out([names[int(i)] for i in rest], y[rest], every=8)
    return rest[~validation], rest[validation], np.flatnonzero(test)


def assign_roles(train: Rows, validation: Rows, test: Rows) -> dict[str, Rows]:
    """Assign three disjoint parts of a domain to the roles in `da.data.domain.PARTS`.

    Args:
        train: Rows for training, as source and as target.
        validation: Rows for validation, the tests of a source.
        test: Rows for tests of a target.
    """
    return {
        "source_train": train,
        "source_test": validation,
        "target_train": train,
        "target_test": test,
    }


def split_published(train_y: Int[np.ndarray, "n"], tests: int) -> dict[str, Rows]:
    """Split a published data set, whose `tests` test images follow its training images.

    Of each class in `train_y`, every tenth training image, in the order of the hash of its number,
    is for validation.
    """
    every = np.arange(len(train_y))
    held = hold_out([str(i) for i in every], train_y, every=10)
    return assign_roles(every[~held], every[held], len(train_y) + np.arange(tests))


def split_supervised(
    rows: Mapping[str, Int[Tensor, "_"]], y: Int[Tensor, "n"]
) -> tuple[Int[Tensor, "_"], Int[Tensor, "_"], Int[Tensor, "_"]]:
    """Divide one domain into training, validation and test rows, given its rows in each role.

    The test rows are those of a target. All other rows that are trained on, as source or as target,
    are for training. The source's test rows are for validation. Where these are the target's test
    rows too, every tenth training image of each class is taken for validation.
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
