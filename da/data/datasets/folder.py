"""Any two folders of class folders: `folder:PATH/amazon-PATH/webcam`.

Every class of a domain is a subfolder that holds its images, at any depth. All target images are
trained with unlabeled and tested on, as in the published tables (the transductive protocol of
Office-31 and its like); of the source, every fifth image is held out.
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
from da.data.domain import PARTS, Domain, load_domain, save_domain
from da.system.cache import cache_home, make_once

SYNTAX = "PATH/amazon-PATH/webcam"
DOMAINS = ()
ANY_SIDE = True
CHUNK = 256


class Listing(NamedTuple):
    """Image files under a folder, and the class of each."""

    root: Path
    files: list[Path]
    y: Int[np.ndarray, "n"]
    classes: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The files' paths under the root, by which they are told apart on any machine."""
        return [file.relative_to(self.root).as_posix() for file in self.files]


Rows = dict[str, splits.Rows]
"""Rows of a domain in each role."""


def pair(names: str) -> tuple[str, str]:
    """The two folders in `names`, around the one '-' or ':' that has a folder on both its sides.

    Raises ValueError where no place or several places divide it so.
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
    """The images under the folder `name`, squashed to squares; decoded at the first call.

    These are as wide as crops of `side` pixels need: see `stored_side`. They are decoded anew when
    a file is added, removed or changed. Raises ValueError, naming it, for a folder that is
    unreadable or lacks images, and for an image that cannot be decoded.
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
    """The files of classes, or of several sets of the same classes one behind the other."""
    files = [file for some in images for each in some.values() for file in each]
    numbers = [c for some in images for c, each in enumerate(some.values()) for _ in each]
    return Listing(root, files, np.array(numbers, np.int64), tuple(images[0]))


def load_decoded(
    benchmark: str, images: Listing, side: int, *, divide: Callable[[Listing], Rows]
) -> Domain:
    """The images as wide as `stored_side` says; decoded at the first call and after a change.

    `divide` says which rows are for what.
    """
    wide = stored_side(side)

    def write(folder: Path) -> None:
        rows, count = divide(images), len(images.files)
        print(f"{benchmark}: decoding {count} images of {images.root}, once", file=sys.stderr)
        folder.mkdir()
        x = _decoded(images.files, folder / "x.npy", wide)
        save_domain(folder, x, images.y, images.classes, rows)

    return load_domain(
        make_once(cache_home() / benchmark / cache_key(images.root, images.files, wide), write)
    )


def stored_side(side: int) -> int:
    """Pixels kept of images that are shown at `side`: 256 for 224, in that proportion above.

    For all smaller sides too it is 256, so that they share what was decoded.
    """
    return max(256, math.ceil(side * 256 / 224))


def list_class_images(root: Path) -> dict[str, list[Path]]:
    """The images of each class folder in `root`; ValueError, naming it, where it lacks any."""
    return {label: _images(root / label) for label in _labels(root)}


def _labels(root: Path) -> list[str]:
    """Names of the subfolders, hidden ones left out."""
    try:
        labels = sorted(p.name for p in root.iterdir() if p.is_dir() and p.name[0] != ".")
    except OSError as error:
        raise ValueError(f"cannot read the folder {root}: {error.strerror}") from error
    if not labels:
        raise ValueError(f"{root} has no class folders in it")
    return labels


def _images(folder: Path) -> list[Path]:
    """Images at any depth under a class folder, in the order of their paths."""
    images = list_images(folder)
    if not images:
        raise ValueError(f"the class folder {folder} has no image in it")
    return images


def cache_key(root: Path, files: list[Path], side: int) -> str:
    """A name that changes with place and side, and every file's name, size and time of change."""
    about = [f"{root} {side}"]
    for file in files:
        try:
            stat = file.stat()
        except OSError as error:
            raise ValueError(f"cannot read {file}: {error.strerror}") from error
        about.append(f"{file.relative_to(root)} {stat.st_size} {stat.st_mtime_ns}")
    return hashlib.sha256(os.fsencode("\n".join(about))).hexdigest()[:24]


def _decoded(files: list[Path], path: Path, side: int) -> np.memmap:
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
