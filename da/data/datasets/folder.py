"""Your own images for adaptation: any two folders of class folders, one for each domain.

A domain is a folder, and each of its subfolders is a class that holds its images, at any depth.
Both domains need the same classes, two or more. A task is written
`folder:PATH/amazon-PATH/webcam`, from one folder to another. Images come from your disk; their
number is up to you. Where a domain holds one folder alone, as amazon/images in Office-31, the
classes are taken from that. Hidden files and folders are left out, and every image counts once.

A target may be a folder of images alone, without labels. Then there is no target accuracy. A task
that ends in `+unlabelled` does not look at the target's class folders either.

All target images are used without labels in training, and all are tested on, as in the published
tables (the transductive protocol of Office-31 and similar data sets). Of the source, every fifth
image is held out.
"""

import re
from pathlib import Path

from da.config.choices import Fit
from da.data import paths, splits
from da.data.datasets._class_folders import (
    Listing,
    class_folders,
    has_images,
    list_classes,
    list_unlabeled,
    split_name,
    subfolders,
)
from da.data.datasets._decoded import Rows, check_listed, load_decoded
from da.data.domain import Domain
from da.data.reading import Reading

SYNTAX = "PATH/amazon-PATH/webcam"
DOMAINS = ()
ANY_SIDE = True
SKIPS_BAD = True
FITS = True


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing folder on both sides.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    if not re.search("[-:]", names) and paths.find_folder(names):
        raise ValueError(
            f"{names!r} is one folder, {SYNTAX} are two; imagefolder:{names} trains on one"
        )
    return paths.split_paths(names, paths.find_folder, "folder", SYNTAX)


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash") -> Domain:
    """Open the images under the folder `name`, as squares; decoded at the first call.

    They are decoded again when a file is added, removed or changed. They are stored as wide as
    network input of `side` pixels needs, see `stored_side`.

    Args:
        name: Path of the folder.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If a folder is unreadable or lacks images, if what looks like a class is none,
            or if images cannot be decoded. The message names it.
    """
    images = _list(name)
    return load_decoded("folder", images, Reading(side, skip_bad, fit), divide=divide)


def open_unlabeled(
    name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash"
) -> Domain:
    """Open all images under the folder `name`, at any depth, whatever its folders mean.

    Arguments and errors are those of `open_domain`.
    """
    images = list_unlabeled(paths.find_folder(name) or Path(name))
    return load_decoded("folder", images, Reading(side, skip_bad, fit), divide=divide)


def class_names(name: str, *, check: bool = False) -> tuple[str, ...]:
    """Return the names of a folder's classes without decoding images; none if it has no classes.

    With `check`, look if what seems to be a class has images, and is one.

    Raises:
        ValueError: As for `open_domain`.
    """
    top = paths.find_folder(name) or Path(name)
    if check or _is_flat(top):
        return _list(name).classes
    return tuple(class_folders(_class_level(top)[0]))


def check_images(name: str) -> None:
    """Look at the first bytes of each image under the folder `name`, without decoding any.

    Raises:
        BadImagesError: If some cannot be decoded.
        ValueError: As for `open_domain`.
    """
    check_listed(_list(name))


def _list(name: str) -> Listing:
    top = paths.find_folder(name) or Path(name)
    if _is_flat(top):
        return list_unlabeled(top)
    root, notes = _class_level(top)
    images = list_classes(root)
    return images._replace(notes=(*notes, *images.notes))


def _is_flat(folder: Path) -> bool:
    return not subfolders(folder) and has_images(folder)


def _class_level(root: Path) -> tuple[Path, list[str]]:
    """Return the folder that holds the class folders, and what the user has to know of it.

    Raises:
        ValueError: If it holds splits of a data set.
    """
    folders, notes = subfolders(root), []
    if len(folders) == 1 and not has_images(folders[0]) and len(subfolders(folders[0])) > 1:
        notes = [f"{root} holds one folder: its classes are those in {folders[0]}"]
        root, folders = folders[0], subfolders(folders[0])
    parts = {folder.name: split for folder in folders if (split := split_name(folder.name))}
    if parts and (len(parts) == len(folders) or len({*parts.values()}) > 1):
        first = min(parts, key=lambda name: parts[name] != "train")
        raise ValueError(
            f"{root} holds splits of a data set, {', '.join(parts)}, and no classes: name one of "
            f"them, as in {root / first}, or train with labels on imagefolder:{root}"
        )
    return root, notes


def divide(images: Listing) -> Rows:
    """Return the rows for each role; `source_test` is empty where no class has two images."""
    return splits.divide_transductive(images.names, images.y)
