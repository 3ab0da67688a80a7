"""Your own images for adaptation: any two folders of class folders, one for each domain.

A domain is a folder, and each of its subfolders is a class that holds its images, at any depth.
Both domains need the same classes, two or more. A task is written
`folder:PATH/amazon-PATH/webcam`, from one folder to another. Images come from your disk; their
number is up to you. Where a domain holds one folder alone, as amazon/images in Office-31, the
classes are taken from that. Hidden files and folders are left out, and every image counts once.

All target images are used without labels in training, and all are tested on, as in the published
tables (the transductive protocol of Office-31 and similar data sets). Of the source, every fifth
image is held out.
"""

import json
import math
import re
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from numpy.lib.format import write_array_header_1_0
from tqdm import tqdm

from da.config.validation import MOST_NAMES
from da.data import paths, splits
from da.data.datasets._class_folders import (
    Listing,
    class_folders,
    has_images,
    list_classes,
    split_name,
    subfolders,
)
from da.data.decode import (
    BadImagesError,
    describe_range,
    find_fault,
    ignore_warnings,
    try_decode,
)
from da.data.domain import PARTS, Domain, keep_domain, save_domain
from da.data.image_files import cache_key
from da.system.cache import cache_home, remove_unused

SYNTAX = "PATH/amazon-PATH/webcam"
DOMAINS = ()
ANY_SIDE = True
SKIPS_BAD = True
CHUNK = 256
"""Most images that are in memory at a time while a folder is decoded."""
CHUNK_BYTES = 2**26
"""Most bytes that these images take."""
FAULTS = "left_out.json"
"""File next to decoded images that says which of the folder's files were left out, and why."""


_Made = TypeVar("_Made")

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
        if not cuts and paths.find_folder(names):
            raise ValueError(
                f"{names!r} is one folder, {SYNTAX} are two; imagefolder:{names} trains on one"
            )
        listed = ", ".join(map(repr, missing)) or f"{names!r} with no '-' in it"
        raise ValueError(f"no such folder: {listed}; known: two folders as in {SYNTAX}")
    return found[0]


def open_domain(name: str, side: int = 0, *, skip_bad: bool = False) -> Domain:
    """Open the images under the folder `name`, squeezed to squares; decoded at the first call.

    They are decoded again when a file is added, removed or changed. They are stored as wide as
    network input of `side` pixels needs, see `stored_side`.

    Args:
        name: Path of the folder.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.

    Raises:
        ValueError: If a folder is unreadable or lacks images, if what looks like a class is none,
            or if images cannot be decoded. The message names it.
    """
    return load_decoded("folder", _list(name), side, divide=_divide, skip_bad=skip_bad)


def class_names(name: str, *, check: bool = False) -> tuple[str, ...]:
    """Return the names of the classes under the folder `name`, without decoding any image.

    Args:
        name: Path of the folder.
        check: Whether to look if what seems to be a class has images, and is one.

    Raises:
        ValueError: As for `open_domain`.
    """
    if check:
        return _list(name).classes
    return tuple(class_folders(_class_level(paths.find_folder(name) or Path(name))[0]))


def check_images(name: str) -> None:
    """Look at the first bytes of each image under the folder `name`, without decoding any.

    Raises:
        BadImagesError: If some cannot be decoded.
        ValueError: As for `open_domain`.
    """
    images = _list(name)
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        _refuse_faults(images, _look(images, pool), skip_bad=False)


def _list(name: str) -> Listing:
    root, notes = _class_level(paths.find_folder(name) or Path(name))
    images = list_classes(root)
    return images._replace(notes=(*notes, *images.notes))


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


def _divide(images: Listing) -> Rows:
    """Return the rows for each role; `source_test` is empty where no class has two images."""
    every, held = np.arange(len(images.y)), splits.hold_out(images.names, images.y)
    return dict(zip(PARTS, (every[~held], every[held], every, every), strict=True))


def load_decoded(
    benchmark: str,
    images: Listing,
    side: int,
    *,
    divide: Callable[[Listing], Rows],
    skip_bad: bool = False,
) -> Domain:
    """Load images as a domain; they are decoded at the first call and after a change.

    Args:
        benchmark: Name of the benchmark, for messages and the folder in the cache.
        images: Which images, and their classes.
        side: Width of network input in pixels; `stored_side` turns it into the stored width.
        divide: A function of the images to the rows for each role.
        skip_bad: Whether to leave out images that cannot be decoded.

    Raises:
        ValueError: If there are such images, and they are not to be left out.
    """
    wide = stored_side(side)

    def write(folder: Path) -> None:
        divide(images)  # which may refuse them
        remove_unused(folder.parent)
        count = len(images.files)
        for line in (*images.notes, f"decoding {count} images of {images.root}, once"):
            print(f"{benchmark}: {line}", file=sys.stderr)
        folder.mkdir()
        kept, x, faults = _decode_good(images, folder / "x.npy", wide, skip_bad)
        save_domain(folder, x, kept.y, kept.classes, divide(kept))
        (folder / FAULTS).write_text(json.dumps({str(file): why for file, why in faults.items()}))

    folder = cache_home() / benchmark / cache_key(images.root, images.files, wide)
    domain = keep_domain(folder, write)
    stored = json.loads((folder / FAULTS).read_text())
    faults = {Path(file): why for file, why in stored.items()}
    _refuse_faults(images, faults, skip_bad)
    return replace(domain, left_out=len(faults))


def _decode_good(
    images: Listing, path: Path, side: int, skip_bad: bool
) -> tuple[Listing, np.memmap, dict[Path, str]]:
    """Decode the images that can be decoded into an array on disk, after a check of each file.

    Returns:
        These images, their pixels, and why each of the others cannot be decoded.
    """
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        faults = _look(images, pool)
        _refuse_faults(images, faults, skip_bad)
        later, largest = _decode_all(images.without({*faults}).files, path, side, pool)
    faults |= later
    _refuse_faults(images, faults, skip_bad)
    if faults:
        print(f"left out, as --skip-bad says: {_list_faults(images, faults)}", file=sys.stderr)
    if dark := describe_range(largest):
        print(f"{images.root}: {dark}", file=sys.stderr)
    return images.without({*faults}), np.load(path, mmap_mode="r"), faults


def _look(images: Listing, pool: ThreadPoolExecutor) -> dict[Path, str]:
    """Return why images cannot be decoded, as far as their first bytes tell."""
    looks = _map_files(pool, find_fault, images.files, CHUNK)
    return {file: fault for file, fault in looks if fault}


def stored_side(side: int) -> int:
    """Return the width, in pixels, of stored images for network input of `side` pixels.

    It is 256 for 224 and all smaller sides, so that these share the decoded images. Above 224 it
    grows in proportion.
    """
    return max(256, math.ceil(side * 256 / 224))


def _refuse_faults(images: Listing, faults: dict[Path, str], skip_bad: bool) -> None:
    """Refuse images that cannot be decoded, unless they are to be left out."""
    if faults and not skip_bad:
        raise BadImagesError(_list_faults(images, faults))


def _list_faults(images: Listing, faults: dict[Path, str]) -> str:
    """List the first files that cannot be decoded, with the reasons, and say how many there are."""
    reasons = {*faults.values()}
    end = f": {reasons.pop()}" if len(reasons) == 1 else ""  # once for all
    files = [f"{file}" if end else f"{file}: {fault}" for file, fault in faults.items()]
    more = f" and {len(files) - MOST_NAMES} more" if len(files) > MOST_NAMES else ""
    count = f"{len(files)} of {len(images.files)} images: " if len(files) > 1 else ""
    return f"{count}{', '.join(files[:MOST_NAMES])}{more}{end}"


def _decode_all(
    files: list[Path], path: Path, side: int, pool: ThreadPoolExecutor
) -> tuple[dict[Path, str], list[int]]:
    """Decode files into one array on disk, a few of them in memory at a time.

    Returns:
        Why each of the files that are not in the array cannot be decoded, and the largest values of
        the others, as in `Decoded`.
    """
    chunk = max(1, min(CHUNK, CHUNK_BYTES // (3 * side**2)))
    faults, largest = {}, []
    with path.open("wb") as out, tqdm(total=len(files), unit=" images", disable=None) as bar:
        _write_header(out, len(files), side)
        for file, made in _map_files(pool, lambda file: try_decode(file, side), files, chunk):
            if isinstance(made, str):
                faults[file] = made
            else:
                out.write(made.pixels.data)
                largest.append(made.largest)
            bar.update()
        out.seek(0)
        _write_header(out, len(largest), side)
    return faults, largest


def _map_files(
    pool: ThreadPoolExecutor, work: Callable[[Path], _Made], files: list[Path], chunk: int
) -> Iterator[tuple[Path, _Made]]:
    """Yield each file with what `work` makes of it, at most `chunk` of them ahead."""
    for start in range(0, len(files), chunk):
        some = files[start : start + chunk]
        yield from zip(some, pool.map(work, some), strict=True)


def _write_header(out: BinaryIO, count: int, side: int) -> None:
    """Write the head of an array of images; it takes the same space for any number of them."""
    shape = (count, side, side, 3)
    write_array_header_1_0(out, {"descr": "|u1", "fortran_order": False, "shape": shape})
