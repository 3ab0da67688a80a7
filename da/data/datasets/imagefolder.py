"""Your own images for supervised training: one folder with train, val and test, or with classes.

Each class is a subfolder that holds its images, at any depth, as in torchvision's ImageFolder.
Images come from your disk, of two classes or more; their number is up to you. A task is written
`imagefolder:PATH`.

Next to `train` (or `training`) there may be `val` (or `valid`, `validation`) and `test` (or
`testing`, `eval`, `evaluation`), in small or capital letters. Where there is only one of these two,
it is the test set, and a tenth of each class in `train` is held out for validation. A PATH without
these folders is divided by the hash of the images' names: 70 % training, 10 % validation, 20 %
tests. Hidden files and folders are left out, and every image counts once.
"""

from functools import partial
from pathlib import Path

import numpy as np

from da.config.choices import Fit
from da.config.validation import shorten_names
from da.data import paths as data_paths
from da.data import splits
from da.data.datasets import _decoded
from da.data.datasets._class_folders import (
    SPLITS,
    Listing,
    list_classes,
    split_name,
    subfolders,
)
from da.data.domain import Domain
from da.data.reading import Reading

SYNTAX = "PATH"
DOMAINS = ()
ONE_DOMAIN = True
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

pair = data_paths.single_folder


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash") -> Domain:
    """Open the images under the folder `name`, stored as `da.data.datasets.folder` stores them.

    Training rows are in the order of their names' hashes, so the first K of a class are any K.

    Args:
        name: Path of the folder.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If a folder has one class only, or a class has no images, is missing in a set,
            or is too small to be divided; or if images cannot be decoded. The message names it.
    """
    root = data_paths.require_folder(name)
    sets = _sets(root)
    images = list_classes(root, sets)
    if len(sets) > 1 and (rest := [p.name for p in subfolders(root) if p not in sets]):
        images = images._replace(
            notes=(f"{root}: left out: the folders {shorten_names(rest)}", *images.notes)
        )
    read = Reading(side, skip_bad, fit)
    divide = partial(_divide, sets=len(sets))
    return _decoded.load_decoded("imagefolder", images, read, divide=divide)


def _sets(root: Path) -> list[Path]:
    """List the existing folders of training, validation and test images, or `root` alone.

    Raises:
        ValueError: If there are two folders for a set, or sets without one for training.
    """
    folders = subfolders(root)
    there = [[p for p in folders if split_name(p.name) == split] for split in SPLITS]
    for paths in there:
        if len(paths) > 1:
            raise ValueError(f"{root} has both {paths[0].name} and {paths[1].name}, known: one")
    some = [paths[0] for paths in there if paths]
    if there[0] and len(some) > 1:
        return some
    if len(some) > 1:
        raise ValueError(f"{root} has {some[0].name} and {some[1].name}, but no folder train")
    return [root]


def _divide(images: Listing, sets: int) -> _decoded.Rows:
    train, validation, test = _divide_sets(images, sets)
    names = images.names
    return splits.assign_roles(
        train[splits.order_by_hash([names[i] for i in train])], validation, test
    )


def _divide_sets(images: Listing, sets: int) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    """Return rows for training, validation and tests, given one, two or three sets."""
    names, y = images.names, images.y
    if sets == 1:
        return _divide_one_set(images)
    first, *others = (np.flatnonzero(images.sets == s) for s in range(sets))
    if len(others) == 2:
        return first, others[0], others[1]
    held = splits.hold_out(names[: len(first)], y[first], every=10)
    if not held.any():
        train = images.files[0].relative_to(images.root).parts[0]
        raise ValueError(
            f"{images.root / train} has no class with two images: none can be held out"
        )
    return first[~held], first[held], others[0]


def _divide_one_set(images: Listing) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    for c, label in enumerate(images.classes):
        if (count := int((images.y == c).sum())) < 3:
            raise ValueError(
                f"{images.root / label} has {count} images, known: 3 or more where there are no "
                "folders train, val and test"
            )
    return splits.split_in_three(images.names, images.y)
