"""ImageNet-Caltech: photographs of 84 classes that ImageNet and Caltech-256 share, and of others.

Its tasks are partial: the target has the shared classes alone. `imagenet` is the training images of
ImageNet in 1,000 classes, `caltech` the 29,780 images of the 256 classes of Caltech-256 (without
`clutter`). `imagenet84` and `caltech84` have the shared classes: 4,200 validation images and 9,257
images (Cao et al. 2018). Shared classes bear the names of Caltech-256 in all of them. All target
images are seen without labels and tested on.

- `imagenet_caltech:imagenet-caltech84+partial`
- `imagenet_caltech:caltech-imagenet84+partial`

Under `DA_DATA` there are the folders `train` and `val` of ImageNet, as `train/n01443537/*.JPEG`,
and `256_ObjectCategories`, as `087.goldfish/*.jpg`, or its archive.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np

from da.config.choices import Fit
from da.data import class_lists, paths, splits
from da.data.datasets import _find_published as find
from da.data.datasets._archives import unpack_named
from da.data.datasets._class_folders import Listing, subfolders
from da.data.datasets._decoded import check_listed, load_decoded
from da.data.datasets._published import PUBLISHED, UNKNOWN
from da.data.domain import Domain
from da.data.image_files import find_images
from da.data.reading import Reading

DOMAINS = ("imagenet", "caltech", "imagenet84", "caltech84")
TASKS = ("imagenet-caltech84+partial", "caltech-imagenet84+partial")
ANY_SIDE = True
SKIPS_BAD = True
FITS = True

LICENSE = "those of ImageNet and of Caltech-256: read them on their pages first"
WNID = r"n\d{8}"
CATEGORY = r"\d{3}\.(?!clutter).+"
TITLES = "imagenet", "ILSVRC2012", "ILSVRC", "imagenet_caltech", "caltech256"
FOLDERS = {
    "imagenet": ("train", "ILSVRC2012_img_train"),
    "imagenet84": ("val", "validation", "ILSVRC2012_img_val"),
    "caltech": ("256_ObjectCategories", "caltech256"),
    "caltech84": ("256_ObjectCategories", "caltech256"),
}
"""Names of the folders of classes of each domain."""

CLASSES = {"imagenet": 1000, "caltech": 256}
"""Number of folders of classes of each data set."""

TOTALS = {"caltech": 29780, "caltech84": 9257, "imagenet84": 4200}
"""Published numbers of images."""


def shared(column: str) -> dict[str, str]:
    """Return the shared classes by their ImageNet numbers (`imagenet`) or `category`."""
    return {line[column]: line["class"] for line in class_lists.read_lines("imagenet_caltech")}


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash") -> Domain:
    """Open a domain, which is decoded at the first call and after a change.

    Args:
        name: One of `DOMAINS`.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If the domain or one of its classes is not here, or images cannot be decoded.
    """
    read = Reading(side, skip_bad, fit)
    return load_decoded("imagenet_caltech", list_images(name), read, divide=_divide)


def check_images(name: str) -> None:
    """Look at the first bytes of each image of a domain, without decoding any."""
    check_listed(list_images(name))


def list_images(name: str) -> Listing:
    """List the images of a domain.

    Raises:
        ValueError: If the domain or one of its classes is not here.
    """
    place, folders = _find(name)
    if name.startswith("imagenet"):
        known = shared("imagenet")
        named = {known.get(str(i), folder.name): folder for i, folder in enumerate(folders)}
    else:
        named = {folder.name.partition(".")[2]: folder for folder in folders}
    if name.endswith("84"):
        named = {each: named[each] for each in sorted(shared("imagenet").values())}
    images = find_images([*named.values()]).images
    if empty := [each for each, some in zip(named, images, strict=True) if not some]:
        raise ValueError(f"{place} has no image of {find.shorten_names(empty)}")
    y = np.repeat(np.arange(len(named)), [len(some) for some in images])
    total = TOTALS.get(name, len(y))
    told = f"{name}: {len(y)} images, {total} are published"
    notes = (told,) if total != len(y) else ()
    files = [file for some in images for file in some]
    return Listing(place, files, y, tuple(named), np.zeros_like(y), notes, f" {name}")


def check() -> Iterator[str]:
    """Give a line on each domain: its images, and where they differ from what is published."""
    for name in DOMAINS:
        head = f"imagenet_caltech:{name}: "
        try:
            images = list_images(name)
        except ValueError as error:
            yield f"{head}{error}"
            continue
        notes = "; ".join(note.removeprefix(f"{name}: ") for note in images.notes)
        same = PUBLISHED if name in TOTALS else UNKNOWN
        yield f"{head}{len(images.files)} images in {images.root}; {notes or same}"


def _find(name: str) -> tuple[Path, Sequence[Path]]:
    """Return the folder of a domain, and those of its classes in the order of their names.

    Raises:
        ValueError: If there is no such folder with as many classes as the data set has.
    """
    data = name.removesuffix("84")
    form, count = (WNID if data == "imagenet" else CATEGORY), CLASSES[data]
    wanted, near = {*map(find.plain_name, FOLDERS[name])}, ""
    roots = find.set_folders(TITLES)
    packed = unpack_named(roots, FOLDERS[name] if data == "caltech" else ())
    for root in chain(roots, (folder.parent for folder in packed)):
        for place in (p for p in find.walk(root) if find.plain_name(p.name) in wanted):
            folders = [p for p in subfolders(place) if re.fullmatch(form, p.name)]
            if len(folders) == count:
                return place, folders
            near = near or (f"{place} has {len(folders)} classes of {count}" if folders else "")
    where = f"under {paths.data_folder()} no folder {' or '.join(FOLDERS[name])} holds its classes"
    missing = where if paths.data_folder() else "DA_DATA is not set"
    raise ValueError(
        f"{name} of ImageNet-Caltech is not here: {near or missing}. ImageNet comes from "
        "https://image-net.org, Caltech-256 as 256_ObjectCategories.tar"
    )


def _divide(images: Listing) -> dict[str, splits.Rows]:
    return splits.divide_transductive(images.names, images.y)
