"""Your own images for supervised training: one folder with train, val and test, or with classes.

Each class is a subfolder that holds its images, at any depth, as in torchvision's ImageFolder.
Images come from your disk, of two classes or more; their number is up to you. A task is written
`imagefolder:PATH`.

Next to `train` there may be `val` (or `valid`, `validation`) and `test`. Where there is only one of
these two, it is the test set, and a tenth of each class in `train` is held out for validation. A
PATH without these folders is divided by the hash of the images' names: 70 % training, 10 %
validation, 20 % tests.
"""

from functools import partial
from pathlib import Path

import numpy as np

from da.data import paths as data_paths
from da.data import splits
from da.data.datasets import folder
from da.data.datasets.folder import Listing
from da.data.domain import Domain

SYNTAX = "PATH"
DOMAINS = ()
ANY_SIDE = True
SETS = ("train",), ("val", "valid", "validation"), ("test",)
"""Names that the folders of training, validation and tests may have."""


pair = data_paths.single_folder


def open_domain(name: str, side: int = 0) -> Domain:
    """Open the images under the folder `name`, stored as `da.data.datasets.folder` stores them.

    Training rows are in the order of their names' hashes, so the first K of a class are any K.

    Raises:
        ValueError: If a folder has one class only, or a class has no images, is missing in a set,
            or is too small to be divided. The message names it.
    """
    root = data_paths.require_folder(name)
    sets = {path: folder.list_class_images(path) for path in _sets(root)}
    first, *others = sets
    if len(sets[first]) < 2:
        raise ValueError(f"{first} has one class only, {next(iter(sets[first]))!r}: two are needed")
    for other in others:
        _check_same_classes(first, set(sets[first]), other, set(sets[other]))
    images = folder.list_files(root, *sets.values())
    sizes = [sum(map(len, labels.values())) for labels in sets.values()]
    return folder.load_decoded("imagefolder", images, side, divide=partial(_divide, sizes=sizes))


def _sets(root: Path) -> list[Path]:
    """List the existing folders of training, validation and test images, or `root` alone."""
    there = [[root / name for name in names if (root / name).is_dir()] for names in SETS]
    for paths in there:
        if len(paths) > 1:
            raise ValueError(f"{root} has both {paths[0].name} and {paths[1].name}, known: one")
    some = [paths[0] for paths in there if paths]
    return some if there[0] and len(some) > 1 else [root]


def _check_same_classes(first: Path, known: set[str], other: Path, labels: set[str]) -> None:
    for here, one, there, more in ((other, labels, first, known), (first, known, other, labels)):
        if more - one:
            raise ValueError(f"{here} lacks the class {min(more - one)!r}, which {there} has")


def _divide(images: Listing, sizes: list[int]) -> folder.Rows:
    train, validation, test = _divide_sets(images, sizes)
    names = images.names
    return splits.assign_roles(
        train[splits.order_by_hash([names[i] for i in train])], validation, test
    )


def _divide_sets(images: Listing, sizes: list[int]) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    """Return rows for training, validation and tests, given one, two or three sets' sizes."""
    names, y = images.names, images.y
    if len(sizes) == 1:
        return _divide_one_set(images)
    first, *others = np.split(np.arange(len(y)), np.cumsum(sizes)[:-1])
    if len(others) == 2:
        return first, others[0], others[1]
    held = splits.hold_out(names[: len(first)], y[first], every=10)
    if not held.any():
        raise ValueError(f"{images.root}/train has no class with two images: none can be held out")
    return first[~held], first[held], others[0]


def _divide_one_set(images: Listing) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    for c, label in enumerate(images.classes):
        if (count := int((images.y == c).sum())) < 3:
            raise ValueError(
                f"{images.root / label} has {count} images, known: 3 or more where there are no "
                "folders train, val and test"
            )
    return splits.split_in_three(images.names, images.y)
