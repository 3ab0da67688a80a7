"""Your own images for adaptation: any two folders of class folders, one for each domain.

A domain is a folder, and each of its subfolders is a class that holds its images, at any depth.
Both domains need the same classes. A task is written `folder:PATH/amazon-PATH/webcam`, from one
folder to another. Images come from your disk; their number is up to you.

All target images are used without labels in training, and all are tested on, as in the published
tables (the transductive protocol of Office-31 and similar data sets). Of the source, every fifth
image is held out.
"""

import hashlib
import math
import os
import re
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numpy.lib.format import write_array_header_1_0
from tqdm import tqdm

from da.data import paths, splits
from da.data.decode import decode_image, list_images
from da.data.domain import PARTS, Domain, keep_domain, save_domain
from da.system.cache import cache_home, remove_unused

SYNTAX = "PATH/amazon-PATH/webcam"
DOMAINS = ()
ANY_SIDE = True
CHUNK = 256
"""Images that are in memory at a time while a folder is decoded."""


class Listing(NamedTuple):
    """Image files under a folder, with the class of each."""

    root: Path
    files: list[Path]
    y: Int[np.ndarray, "n"]
    classes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The files' paths under the root, which are the same on every machine."""
        return [file.relative_to(self.root).as_posix() for file in self.files]


Rows = dict[str, splits.Rows]
"""Rows of a domain for each role."""


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing folder on both sides.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    cuts = [(names[: at.start()], names[at.end() :]) for at in re.finditer("[-:]", names)]
    found = [cut for cut in cuts if all(map(paths.find_folder, cut))]
    if len(found) > 1:
        ways = " or ".join(f"{source!r} to {target!r}" for source, target in found)
        raise ValueError(f"{names!r} may mean {ways}; write a path in another way, say with './'")
    if not found:
        near = [cut for cut in cuts if any(map(paths.find_folder, cut))] or cuts
        missing = dict.fromkeys(path for cut in near for path in cut if not paths.find_folder(path))
        listed = ", ".join(map(repr, missing)) or f"{names!r} with no '-' in it"
        raise ValueError(f"no such folder: {listed}; known: two folders as in {SYNTAX}")
    return found[0]


def open_domain(name: str, side: int = 0) -> Domain:
    """Open the images under the folder `name`, squeezed to squares; decoded at the first call.

    They are decoded again when a file is added, removed or changed. They are stored as wide as
    network input of `side` pixels needs, see `stored_side`.

    Raises:
        ValueError: If a folder is unreadable or lacks images, or an image cannot be decoded. The
            message names it.
    """
    root = paths.find_folder(name) or Path(name)
    images = list_files(root, list_class_images(root))
    return load_decoded("folder", images, side, divide=_divide)


def _divide(images: Listing) -> Rows:
    every, held = np.arange(len(images.y)), splits.hold_out(images.names, images.y)
    if not held.any():
        raise ValueError(f"{images.root} has no class with two images: none can be held out")
    return dict(zip(PARTS, (every[~held], every[held], every, every), strict=True))


def list_files(root: Path, *images: Mapping[str, list[Path]]) -> Listing:
    """List the files of each class, or of several sets of the same classes, one after another.

    Args:
        root: Folder that holds them all.
        images: The files of each class; one mapping for each set.
    """
    files = [file for some in images for each in some.values() for file in each]
    numbers = [c for some in images for c, each in enumerate(some.values()) for _ in each]
    return Listing(root, files, np.array(numbers, np.int64), tuple(images[0]))


def load_decoded(
    benchmark: str, images: Listing, side: int, *, divide: Callable[[Listing], Rows]
) -> Domain:
    """Load images as a domain; they are decoded at the first call and after a change.

    Args:
        benchmark: Name of the benchmark, for messages and the folder in the cache.
        images: Which images, and their classes.
        side: Width of network input in pixels; `stored_side` turns it into the stored width.
        divide: A function of the images to the rows for each role.
    """
    wide = stored_side(side)

    def write(folder: Path) -> None:
        rows, count = divide(images), len(images.files)
        remove_unused(folder.parent)
        print(f"{benchmark}: decoding {count} images of {images.root}, once", file=sys.stderr)
        folder.mkdir()
        x = _decode_all(images.files, folder / "x.npy", wide)
        save_domain(folder, x, images.y, images.classes, rows)

    return keep_domain(cache_home() / benchmark / cache_key(images.root, images.files, wide), write)


def stored_side(side: int) -> int:
    """Return the width, in pixels, of stored images for network input of `side` pixels.

    It is 256 for 224 and all smaller sides, so that these share the decoded images. Above 224 it
    grows in proportion.
    """
    return max(256, math.ceil(side * 256 / 224))


def list_class_images(root: Path) -> dict[str, list[Path]]:
    """List the images of each class folder in `root`.

    Raises:
        ValueError: If the folder has no class folders, or one without images; it is named.
    """
    return {label: _images(root / label) for label in _labels(root)}


def _labels(root: Path) -> list[str]:
    """List the names of the subfolders, without hidden ones."""
    try:
        labels = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
    except OSError as error:
        raise ValueError(f"cannot read the folder {root}: {error.strerror}") from error
    if not labels:
        raise ValueError(f"{root} has no class folders in it")
    return labels


def _images(folder: Path) -> list[Path]:
    """List the images at any depth under a class folder, in the order of their paths."""
    images = list_images(folder)
    if not images:
        raise ValueError(f"the class folder {folder} has no image in it")
    return images


def cache_key(root: Path, files: list[Path], side: int) -> str:
    """Make a key for the cache that changes when the images may have changed.

    It depends on the root, on the side, and on each file's name, size and time of change.

    Args:
        root: Folder that holds the files.
        files: The files that are decoded.
        side: Width of the stored images, in pixels.
    """
    about = [f"{root} {side}"]
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise ValueError(f"cannot read {file}: {error.strerror}") from error
        about.append(f"{file.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256(os.fsencode("\n".join(about))).hexdigest()[:24]


def _decode_all(files: list[Path], path: Path, side: int) -> np.memmap:
    """Decode all files into one array on disk, `CHUNK` of them in memory at a time."""
    shape = (len(files), side, side, 3)
    with (
        path.open("wb") as out,
        ThreadPoolExecutor() as pool,
        tqdm(total=len(files), unit=" images", disable=None) as bar,
    ):
        write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})
        for start in range(0, len(files), CHUNK):
            for image in pool.map(
                lambda file: decode_image(file, side), files[start : start + CHUNK]
            ):
                out.write(image.data)
                bar.update()
    return np.load(path, mmap_mode="r")
