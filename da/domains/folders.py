"""Any two folders of class folders: `folder:PATH/amazon-PATH/webcam`.

Every class of a domain is a subfolder that holds its images, at any depth. All target images are
trained with unlabelled and tested on, as in the published tables (the transductive protocol of
Office-31 and its like); of the source, every fifth image is held out.
"""

import hashlib
import math
import os
import re
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int
from numpy.lib.format import write_array_header_1_0
from tqdm import tqdm

from da.decode import decode, images_under
from da.domains import PARTS, Domain, store, stored
from da.home import home, once

SYNTAX = "PATH/amazon-PATH/webcam"
DOMAINS = ()
ANY_SIDE = True
CHUNK = 256


def pair(names: str) -> tuple[str, str]:
    """The two folders in `names`, around the one '-' or ':' that has a folder on both its sides.

    Raises ValueError where no place or several places divide it so.
    """
    cuts = [(names[: at.start()], names[at.end() :]) for at in re.finditer("[-:]", names)]
    found = [cut for cut in cuts if all(map(_is_folder, cut))]
    if len(found) > 1:
        ways = " or ".join(f"{source!r} to {target!r}" for source, target in found)
        raise ValueError(f"{names!r} may mean {ways}; write a path in another way, say with './'")
    if not found:
        near = [cut for cut in cuts if any(map(_is_folder, cut))] or cuts
        missing = dict.fromkeys(path for cut in near for path in cut if not _is_folder(path))
        listed = ", ".join(map(repr, missing)) or f"{names!r} with no '-' in it"
        raise ValueError(f"no such folder: {listed}; known: two folders as in {SYNTAX}")
    return found[0]


def _is_folder(path: str) -> bool:
    return bool(path) and Path(path).expanduser().is_dir()


def open_domain(name: str, side: int = 0) -> Domain:
    """The images under the folder `name`, squashed to squares; decoded at the first call.

    These are as wide as crops of `side` pixels need: see `stored_side`. They are decoded anew when
    a file is added, removed or changed. Raises ValueError, naming it, for a folder that is
    unreadable or lacks images, and for an image that cannot be decoded.
    """
    wide = stored_side(side)
    root = Path(name).expanduser().resolve()
    images = {label: _images(root / label) for label in _labels(root)}
    y = np.repeat(np.arange(len(images)), [len(files) for files in images.values()])
    files = [file for some in images.values() for file in some]
    names = [file.relative_to(root).as_posix() for file in files]

    def write(folder: Path) -> None:
        every, held = np.arange(len(y)), held_out(names, y)
        if not held.any():
            raise ValueError(f"{root} has no class with two images: none can be held out")
        parts = every[~held], every[held], every, every
        print(f"folder: decoding {len(files)} images of {root}, once", file=sys.stderr)
        folder.mkdir()
        x = _decoded(files, folder / "x.npy", wide)
        store(folder, x, y, tuple(images), dict(zip(PARTS, parts, strict=True)))

    return stored(once(home() / "folder" / _key(root, files, wide), write))


def stored_side(side: int) -> int:
    """Pixels kept of images that are shown at `side`: 256 for 224, in that proportion above.

    For all smaller sides too it is 256, so that they share what was decoded.
    """
    return max(256, math.ceil(side * 256 / 224))


def held_out(names: Sequence[str], y: Int[np.ndarray, "n"]) -> Bool[np.ndarray, "n"]:
    """Which images are held out: of each class every fifth in the order of the names' SHA-256.

    The second is the first that is, so that no class is without training images.
    """
    hashes = np.array([hashlib.sha256(os.fsencode(name)).hexdigest() for name in names])
    held = np.zeros(len(y), bool)
    for c in np.unique(y):
        rows = np.flatnonzero(y == c)
        held[rows[hashes[rows].argsort()][1::5]] = True
    return held


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
    images = images_under(folder)
    if not images:
        raise ValueError(f"the class folder {folder} has no image in it")
    return images


def _key(root: Path, files: list[Path], side: int) -> str:
    """Changes with the place, the side, and with every file's name, size and time of change."""
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
            for image in pool.map(lambda file: decode(file, side), files[start : start + CHUNK]):
                out.write(image.data)
                bar.update()
    return np.load(path, mmap_mode="r")
