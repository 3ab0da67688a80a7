"""One folder of images with train, val and test, or of class folders: `imagefolder:PATH`.

As torchvision's ImageFolder: every class is a subfolder that holds its images, at any depth. Beside
`train` there may be `val` (also `valid`, `validation`) and `test`; where only one of them is there,
it is the test set, and a tenth of each class in `train` is held out for validation. A PATH without
them is divided by the hash of the images' names: 70 % training, 10 % validation, 20 % tests.
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
"""Names that the folder of each set may have."""


pair = data_paths.single_folder


def open_domain(name: str, side: int = 0) -> Domain:
    """The images under the folder `name`, stored as those of `da.data.datasets.folder` are.

    Training rows are in the order of their names' hash, so that the first K of a class are any K.
    Raises ValueError, naming it, for a folder with one class, for a class without images, and for
    one that a set lacks or that is too small to be divided.
    """
    root = data_paths.require_folder(name)
    sets = {path: folder.list_class_images(path) for path in _sets(root)}
    first, *others = sets
    if len(sets[first]) < 2:
        raise ValueError(f"{first} has one class only, {next(iter(sets[first]))!r}: two are needed")
    for other in others:
        _same(first, set(sets[first]), other, set(sets[other]))
    images = folder.list_files(root, *sets.values())
    sizes = [sum(map(len, labels.values())) for labels in sets.values()]
    return folder.load_decoded("imagefolder", images, side, divide=partial(_divide, sizes=sizes))


def _sets(root: Path) -> list[Path]:
    """The folders of training, validation and test images that are there, or `root` alone."""
    there = [[root / name for name in names if (root / name).is_dir()] for names in SETS]
    for paths in there:
        if len(paths) > 1:
            raise ValueError(f"{root} has both {paths[0].name} and {paths[1].name}, known: one")
    some = [paths[0] for paths in there if paths]
    return some if there[0] and len(some) > 1 else [root]


def _same(first: Path, known: set[str], other: Path, labels: set[str]) -> None:
    for here, one, there, more in ((other, labels, first, known), (first, known, other, labels)):
        if more - one:
            raise ValueError(f"{here} lacks the class {min(more - one)!r}, which {there} has")


def _divide(images: Listing, sizes: list[int]) -> folder.Rows:
    train, validation, test = _divided(images, sizes)
    names = images.names
    return splits.assign_roles(
        train[splits.order_by_hash([names[i] for i in train])], validation, test
    )


def _divided(images: Listing, sizes: list[int]) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    """Rows for training, validation and tests of one, two or three sets of these sizes."""
    names, y = images.names, images.y
    if len(sizes) == 1:
        return _in_three(images)
    first, *others = np.split(np.arange(len(y)), np.cumsum(sizes)[:-1])
    if len(others) == 2:
        return first, others[0], others[1]
    held = splits.hold_out(names[: len(first)], y[first], every=10)
    if not held.any():
        raise ValueError(f"{images.root}/train has no class with two images: none can be held out")
    return first[~held], first[held], others[0]


def _in_three(images: Listing) -> tuple[splits.Rows, splits.Rows, splits.Rows]:
    for c, label in enumerate(images.classes):
        if (count := int((images.y == c).sum())) < 3:
            raise ValueError(
                f"{images.root / label} has {count} images, known: 3 or more where there are no "
                "folders train, val and test"
            )
    return splits.split_in_three(images.names, images.y)
