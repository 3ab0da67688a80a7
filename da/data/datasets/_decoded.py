"""Images of a user's folders, decoded once and stored as an array."""

import json
import math
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from tqdm import tqdm

from da.config.validation import MOST_NAMES
from da.data import splits
from da.data.datasets._class_folders import Listing
from da.data.decode import (
    BadImagesError,
    describe_range,
    find_fault,
    ignore_warnings,
    try_decode,
)
from da.data.domain import Domain, keep_domain, save_domain
from da.data.image_files import cache_key
from da.data.reading import Reading
from da.data.transforms import SHOWN
from da.system.array_files import write_array_head
from da.system.cache import cache_home, remove_unused

Rows = dict[str, splits.Rows]
"""Rows of a domain for each role."""

CHUNK = 256
"""Most images that are in memory at a time while a folder is decoded."""
CHUNK_BYTES = 2**26
"""Most bytes that these images take."""
FAULTS = "left_out.json"
"""File next to decoded images that says which of the folder's files were left out, and why."""

_Made = TypeVar("_Made")


def load_decoded(
    benchmark: str,
    images: Listing,
    read: Reading,
    *,
    divide: Callable[[Listing], Rows],
) -> Domain:
    """Load images as a domain; they are decoded at the first call and after a change.

    Args:
        benchmark: Name of the benchmark, for messages and the folder in the cache.
        images: Which images, and their classes.
        read: Width of network input, which `stored_side` turns into the stored width, and whether
            images that cannot be decoded are left out.
        divide: A function of the images to the rows for each role.

    Raises:
        ValueError: If there are such images, and they are not to be left out.
    """
    wide = read.exact or stored_side(read.side)

    def write(folder: Path) -> None:
        divide(images)  # which may refuse them
        remove_unused(folder.parent)
        count = len(images.files)
        for line in (*images.notes, f"decoding {count} images of {images.root}, once"):
            print(f"{benchmark}: {line}", file=sys.stderr)
        folder.mkdir()
        kept, x, faults = _decode_good(images, folder / "x.npy", read)
        save_domain(folder, x, kept.y, kept.classes, divide(kept))
        (folder / FAULTS).write_text(json.dumps({str(file): why for file, why in faults.items()}))

    about = images.about + (f" {read.fit}" if read.fit != "squash" else "")
    folder = cache_home() / benchmark / cache_key(images.root, images.files, wide, about)
    domain = keep_domain(folder, write)
    stored = json.loads((folder / FAULTS).read_text())
    faults = {Path(file): why for file, why in stored.items()}
    _refuse_faults(images, faults, read.skip_bad)
    columns = images.without({*faults}).columns if images.columns else ()
    return replace(domain, left_out=len(faults), columns=columns)


def _decode_good(
    images: Listing, path: Path, read: Reading
) -> tuple[Listing, np.memmap, dict[Path, str]]:
    """Decode the images that can be decoded into an array on disk, after a check of each file.

    Returns:
        These images, their pixels, and why each of the others cannot be decoded.
    """
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        faults = _look(images, pool)
        _refuse_faults(images, faults, read.skip_bad)
        later, largest = _decode_all(images.without({*faults}).files, path, read, pool)
    faults |= later
    _refuse_faults(images, faults, read.skip_bad)
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
    return max(256, math.ceil(side / SHOWN))


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
    files: list[Path], path: Path, read: Reading, pool: ThreadPoolExecutor
) -> tuple[dict[Path, str], list[int]]:
    """Decode files into one array on disk, a few of them in memory at a time.

    Returns:
        Why each of the files that are not in the array cannot be decoded, and the largest values of
        the others, as in `Decoded`.
    """
    side = read.exact or stored_side(read.side)
    chunk = max(1, min(CHUNK, CHUNK_BYTES // (3 * side**2)))
    faults, largest = {}, []
    with path.open("wb") as out, tqdm(total=len(files), unit=" images", disable=None) as bar:
        write_array_head(out, "|u1", (len(files), side, side, 3))
        decode = partial(try_decode, side=side, fit=read.fit)
        for file, made in _map_files(pool, decode, files, chunk):
            if isinstance(made, str):
                faults[file] = made
            else:
                out.write(made.pixels.data)
                largest.append(made.largest)
            bar.update()
        out.seek(0)
        write_array_head(out, "|u1", (len(largest), side, side, 3))
    return faults, largest


def _map_files(
    pool: ThreadPoolExecutor, work: Callable[[Path], _Made], files: list[Path], chunk: int
) -> Iterator[tuple[Path, _Made]]:
    """Yield each file with what `work` makes of it, at most `chunk` of them ahead."""
    for start in range(0, len(files), chunk):
        some = files[start : start + chunk]
        yield from zip(some, pool.map(work, some), strict=True)


def check_listed(images: Listing) -> None:
    """Look at the first bytes of each of some images, without decoding any.

    Raises:
        BadImagesError: If some cannot be decoded.
    """
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        _refuse_faults(images, _look(images, pool), skip_bad=False)
