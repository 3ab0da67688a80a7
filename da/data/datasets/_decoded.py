"""Images of a user's folders, decoded once and stored as an array."""

import hashlib
import json
import math
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import torch

from da.data import splits, stores
from da.data.datasets._class_folders import Listing
from da.data.datasets._decoding import check_listed, decode_good, refuse_faults
from da.data.domain import Domain, keep_domain, load_domain, save_domain
from da.data.encoded import EncodedImages, JoinedFiles, LooseFiles, keep_bytes
from da.data.image_files import cache_key
from da.data.known_files import save_files
from da.data.reading import Reading
from da.data.transforms import SHOWN
from da.system.cache import cache_home, discard, make_once, may_make, remove_unused

__all__ = "FAULTS", "Rows", "check_listed", "load_decoded", "stored_side"

Rows = dict[str, splits.Rows]
"""Rows of a domain for each role."""

FAULTS = "left_out.json"
"""File next to decoded images that says which of the folder's files were left out, and why."""


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
    about = images.about + (f" {read.fit}" if read.fit != "squash" else "")
    folder = cache_home() / benchmark / cache_key(images.root, images.files, wide, about)
    stored = _Stored(benchmark, images, read, divide, folder)
    domain = stored.load(stored.choose())
    refuse_faults(images, stored.faults, read.skip_bad)
    columns = images.without({*stored.faults}).columns if images.columns else ()
    return replace(domain, left_out=len(stored.faults), columns=columns)


@dataclass
class _Stored:
    """Images of a listing, as they are or will be stored."""

    benchmark: str
    images: Listing
    read: Reading
    divide: Callable[[Listing], Rows]
    pixels: Path
    """Folder of pixels, where these are stored."""
    faults: dict[Path, str] = field(default_factory=dict)
    """Why files were left out, once the images are loaded."""

    @property
    def wide(self) -> int:
        """Width of the images, in pixels."""
        return self.read.exact or stored_side(self.read.side)

    @property
    def size(self) -> int:
        """Bytes of the pixels of all listed images."""
        return 3 * self.wide**2 * len(self.images.files)

    @cached_property
    def encoded(self) -> int:
        """Bytes of the files."""
        return sum(file.stat().st_size for file in self.images.files if file.exists())

    @property
    def index(self) -> Path:
        """Folder of what is known of the images where their pixels are not stored."""
        digits = hashlib.sha256(f"{self.pixels.name} index".encode()).hexdigest()[:24]
        return self.pixels.with_name(digits)

    @property
    def bytes_folder(self) -> Path:
        """Folder of the bytes of the files that are not left out, for images of any width."""
        key = cache_key(self.images.root, self.kept, 0, " bytes")
        return self.pixels.with_name(key)

    @property
    def kept(self) -> list[Path]:
        """Files that are not left out."""
        return self.images.without({*self.faults}).files

    def choose(self) -> stores.Store:
        """Choose how the images are kept: as the user says, as they are, or by the rule."""
        if not may_make():
            return "pixels" if self.pixels.exists() or not self.index.exists() else "files"
        if forced := stores.forced_store():
            return forced
        if self.pixels.exists():
            return "pixels"
        if self.index.exists():
            self.faults = _load_faults(self.index)
            if self.bytes_folder.exists():
                return "encoded"
        return stores.choose_store(self.size, self.encoded, stores.free_room(self.pixels))

    def load(self, store: stores.Store) -> Domain:
        """Load the images, which are decoded first where they were not, or changed."""
        if store == "pixels":
            new = not self.pixels.exists()
            domain = keep_domain(self.pixels, partial(self._write, store))
            self.faults = _load_faults(self.pixels)
            if new and self.index.exists():
                self._discard(self.bytes_folder, self.index)
            return domain
        make_once(self.index, partial(self._write, store), _check_index)
        self.faults = _load_faults(self.index)
        source = LooseFiles(self.kept) if store == "files" else self._join()
        return load_domain(self.index, EncodedImages(source, self.wide, self.read.fit))

    def _join(self) -> JoinedFiles:
        joined = JoinedFiles(keep_bytes(self.bytes_folder, self.images.root, self.kept))
        if self.pixels.exists():
            self._discard(self.pixels)
        return joined

    def _discard(self, *folders: Path) -> None:
        """Remove another copy of the same images."""
        for folder in folders:
            with suppress(OSError):  # not there, or of another user
                discard(folder)

    def _write(self, store: stores.Store, folder: Path) -> None:
        images = self.images
        self.divide(images)  # which may refuse them
        remove_unused(folder.parent)
        large = stores.is_large(self.size)
        what = f"{len(images.files)} images of {images.root}"
        made = f"decoding {what}, once" if store == "pixels" else f"checking {what}"
        notes = [*images.notes, made]
        if large or store != "pixels":
            notes.append(stores.describe_store(store, self.size, self.encoded))
        for line in notes:
            print(f"{self.benchmark}: {line}", file=sys.stderr)
        folder.mkdir()
        x = folder / "x.npy" if store == "pixels" else None
        found = decode_good(images, self.pixels.parent, x, self.read, self.wide, large)
        kept = images.without({*found.faults})
        pixels = np.load(x, mmap_mode="r") if x else None
        save_domain(folder, pixels, kept.y, kept.classes, self.divide(kept), found.digest)
        save_files(folder, found.family, found.states, digests=found.digests)
        faults = {str(file): why for file, why in found.faults.items()}
        (folder / FAULTS).write_text(json.dumps(faults))


def _check_index(folder: Path) -> None:
    load_domain(folder, torch.empty(0))


def _load_faults(folder: Path) -> dict[Path, str]:
    stored = json.loads((folder / FAULTS).read_text())
    return {Path(file): why for file, why in stored.items()}


def stored_side(side: int) -> int:
    """Return the width, in pixels, of stored images for network input of `side` pixels.

    It is 256 for 224 and all smaller sides, so that these share the decoded images. Above 224 it
    grows in proportion.
    """
    return max(256, math.ceil(side / SHOWN))
