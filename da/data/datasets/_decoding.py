"""Decoding all images of a listing, but for those that an earlier store has already."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8
from tqdm import tqdm

from da.config.validation import MOST_NAMES
from da.data.datasets._class_folders import Listing
from da.data.decode import (
    VERSION,
    BadImagesError,
    describe_range,
    find_fault,
    ignore_warnings,
    try_decode,
)
from da.data.known_files import FILE, KnownFiles, State, file_states, find_known
from da.data.pixel_digests import digest_image, join_digests
from da.data.reading import Reading
from da.system.array_files import write_array_head

CHUNK = 256
"""Most images that are in memory at a time while a folder is decoded."""
CHUNK_BYTES = 2**26
"""Most bytes that these images take."""

_Made = TypeVar("_Made")


class Found(NamedTuple):
    """What decoding gave, other than pixels."""

    family: str
    """Text of all stores that can take over images from one another."""
    faults: dict[Path, str]
    """Why some files cannot be decoded."""
    states: list[State]
    """States of the other files, before they were read."""
    digest: str
    """SHA-256 of their pixels."""
    digests: UInt8[np.ndarray, "n _"]
    """Those of each image, of a large set."""


def decode_good(
    images: Listing, home: Path, pixels: Path | None, read: Reading, side: int, large: bool
) -> Found:
    """Decode the images that can be decoded, after a check of each file.

    Images of files that an earlier store knows are copied from it, or are not needed at all.

    Args:
        images: The images.
        home: Folder of earlier stores.
        pixels: File for an array of the pixels; None for their digests alone.
        read: How images are read, and whether those that cannot be decoded are left out.
        side: Width of the decoded images, in pixels.
        large: Whether they are a large set.

    Raises:
        BadImagesError: If some cannot be decoded, and are not to be left out.
    """
    family = f"{images.root} {side} {read.fit} {VERSION}"
    known = find_known(home, family, "x.npy" if pixels else FILE)
    decoder = _Decoder(read, side, large, known, wanted=pixels is not None)
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        faults = _look(images, pool)
        refuse_faults(images, faults, read.skip_bad)
        good = images.without({*faults}).files
        states = dict(zip(good, file_states(images.root, good), strict=True))
        later = decoder.decode_all(states, pixels, pool)
    faults |= later
    refuse_faults(images, faults, read.skip_bad)
    if faults:
        print(f"left out, as --skip-bad says: {_list_faults(images, faults)}", file=sys.stderr)
    if dark := describe_range(decoder.largest):
        print(f"{images.root}: {dark}", file=sys.stderr)
    kept = [state for file, state in states.items() if file not in later]
    return Found(family, faults, kept, decoder.digest, decoder.digests)


class _Image(NamedTuple):
    """What is known of an image."""

    pixels: UInt8[np.ndarray, "h w 3"] | None
    """Nothing where neither they nor a digest of all pixels are wanted."""
    largest: int
    digest: bytes


class _Decoder:
    """Decodes files, and computes the digest of all pixels on the way.

    Args:
        read: How images are read.
        side: Width of the decoded images, in pixels.
        large: Whether they are a large set, whose digest is one of the images' digests.
        known: Files of an earlier store.
        wanted: Whether pixels are wanted, and not their digest alone.
    """

    def __init__(self, read: Reading, side: int, large: bool, known: KnownFiles, wanted: bool):
        self.read, self.side, self.large, self.known = read, side, large, known
        self.needed = wanted or not large
        self.largest: list[int] = []
        self.of_images: list[bytes] = []
        self.of_all = hashlib.sha256()
        stored = known.folder / "x.npy" if known.folder else None
        self.stored = np.load(stored, mmap_mode="r") if stored and stored.exists() else None

    @property
    def digest(self) -> str:
        """Digest of all pixels so far."""
        return join_digests(self.of_images) if self.large else self.of_all.hexdigest()

    @property
    def digests(self) -> UInt8[np.ndarray, "n _"]:
        """Digest of each image so far, of a large set."""
        count = len(self.largest)
        return np.frombuffer(b"".join(self.of_images), np.uint8).reshape(count, -1 if count else 0)

    def decode_all(
        self, states: Mapping[Path, State], path: Path | None, pool: ThreadPoolExecutor
    ) -> dict[Path, str]:
        """Decode files, a few of them in memory at a time; return why some cannot be decoded."""
        chunk = max(1, min(CHUNK, CHUNK_BYTES // (3 * self.side**2)))
        shape, faults = (self.side, self.side, 3), {}
        with ExitStack() as opened:
            bar = opened.enter_context(tqdm(total=len(states), unit=" images", disable=None))
            out = opened.enter_context(path.open("wb")) if path else None
            if out:
                write_array_head(out, "|u1", (len(states), *shape))
            for file, made in _map_files(pool, self._decode, [*states.items()], chunk):
                if isinstance(made, str):
                    faults[file] = made
                else:
                    self._add(made, out)
                bar.update()
            if out:
                out.seek(0)
                write_array_head(out, "|u1", (len(self.largest), *shape))
        return faults

    def _decode(self, file: Path, state: State) -> _Image | str:
        row = self.known.rows.get(state, -1)
        digests = self.known.arrays.get("digests")
        if row >= 0 and self.stored is not None:
            return self._image(self.stored[row], -1)
        if row >= 0 and not self.needed and digests is not None and digests.size:
            return _Image(None, -1, digests[row].tobytes())
        made = try_decode(file, self.side, self.read.fit)
        return made if isinstance(made, str) else self._image(*made)

    def _image(self, pixels: UInt8[np.ndarray, "h w 3"], largest: int) -> _Image:
        return _Image(pixels, largest, digest_image(pixels) if self.large else b"")

    def _add(self, made: _Image, out: BinaryIO | None) -> None:
        self.largest.append(made.largest)
        self.of_images.append(made.digest)
        if made.pixels is None:
            return
        if out:
            out.write(made.pixels.data)
        if not self.large:
            self.of_all.update(made.pixels.data)


def _map_files(
    pool: ThreadPoolExecutor,
    work: Callable[[Path, State], _Made],
    files: list[tuple[Path, State]],
    chunk: int,
) -> Iterator[tuple[Path, _Made]]:
    """Yield each file with what `work` makes of it, at most `chunk` of them ahead."""
    for start in range(0, len(files), chunk):
        some = files[start : start + chunk]
        made = pool.map(work, *zip(*some, strict=True))
        yield from zip((file for file, _ in some), made, strict=True)


def _look(images: Listing, pool: ThreadPoolExecutor) -> dict[Path, str]:
    """Return why images cannot be decoded, as far as their first bytes tell."""
    faults: dict[Path, str] = {}
    for start in range(0, len(images.files), CHUNK):
        some = images.files[start : start + CHUNK]
        faults |= dict(zip(some, pool.map(find_fault, some), strict=True))
    return {file: fault for file, fault in faults.items() if fault}


def refuse_faults(images: Listing, faults: dict[Path, str], skip_bad: bool) -> None:
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


def check_listed(images: Listing) -> None:
    """Look at the first bytes of each of some images, without decoding any.

    Raises:
        BadImagesError: If some cannot be decoded.
    """
    with ignore_warnings(), ThreadPoolExecutor() as pool:
        refuse_faults(images, _look(images, pool), skip_bad=False)
