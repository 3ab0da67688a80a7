"""Images that are kept as the bytes of their files, and decoded when they are used."""

import os
import weakref
from collections.abc import Sequence
from io import BytesIO
from math import prod
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from da.config.choices import Fit
from da.data.decode import Decoded, silence_warnings, try_decode
from da.data.known_files import KnownFiles, file_states, find_known, save_files
from da.data.squares import Box
from da.system.cache import make_once, remove_unused
from da.system.threads import map_in_threads

PLACES = "places.npy"
"""File of the place of each image: number of its part, first byte, and the byte after the last."""

PARTS = 16
"""Most files of bytes in a folder; then all are written again into one."""


class LooseFiles:
    """Images in their own files.

    Args:
        files: The files.
    """

    def __init__(self, files: Sequence[Path]):
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def open(self, row: int) -> Path:
        """Return the path of a file."""
        return self.files[row]

    def name(self, row: int) -> str:
        """Return the path of a file."""
        return str(self.files[row])


class JoinedFiles:
    """The bytes of many files in one, or a few.

    Args:
        folder: What `keep_bytes` returned.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.places = np.load(folder / PLACES)
        count = int(self.places[:, 0].max(initial=-1)) + 1
        self.parts = [os.open(_part(folder, number), os.O_RDONLY) for number in range(count)]
        for part in self.parts:
            weakref.finalize(self, os.close, part)

    def __len__(self) -> int:
        return len(self.places)

    def open(self, row: int) -> BytesIO:
        """Return the bytes of a file."""
        number, start, end = self.places[row]
        return BytesIO(os.pread(self.parts[number], end - start, start))

    def name(self, row: int) -> str:
        """Return what a file is called in messages."""
        return f"image {row} of {self.folder}"


class EncodedImages:
    """Square images that are decoded when they are taken; see `da.data.stored_rows.StoredRows`.

    Args:
        source: Files of the images.
        side: Width and height of the images, in pixels.
        fit: How images that are no squares become squares.
    """

    dtype, device, ndim = torch.uint8, torch.device("cpu"), 4

    def __init__(self, source: LooseFiles | JoinedFiles, side: int, fit: Fit = "squash"):
        self.source, self.side, self.fit = source, side, fit
        self.shape = torch.Size([len(source), side, side, 3])
        silence_warnings()

    @property
    def nbytes(self) -> int:
        """Bytes of all pixels."""
        return prod(self.shape)

    def __len__(self) -> int:
        return len(self.source)

    def is_floating_point(self) -> bool:
        """Return that these are no features."""
        return False

    def index_select(self, dim: int, index: Int[Tensor, "b"], /) -> UInt8[Tensor, "b s s 3"]:
        """Decode some images, in as many threads as torch uses."""
        assert dim == 0, dim
        found = torch.empty(len(index), *self.shape[1:], dtype=torch.uint8)

        def decode(row: int, place: Tensor) -> None:
            np.copyto(place.numpy(), self._decode(row))

        map_in_threads(decode, zip(index.tolist(), found, strict=True))
        return found

    def cut(self, row: int, box: Box) -> UInt8[Tensor, "_ _ 3"]:
        """Decode a part of an image, which takes less time than all of it.

        Args:
            row: Which image.
            box: Its first column and row of pixels, and those after the last.
        """
        return torch.tensor(self._decode(row, box))

    def _decode(self, row: int, box: Box | None = None) -> UInt8[np.ndarray, "_ _ 3"]:
        made = try_decode(self.source.open(row), self.side, self.fit, box)
        if isinstance(made, Decoded):
            return made.pixels
        raise ValueError(f"cannot decode {self.source.name(row)} again: {made}")


def keep_bytes(folder: Path, root: Path, files: Sequence[Path]) -> Path:
    """Return `folder` with the bytes of files in one, and write it first if it is not there.

    Bytes that another folder next to it has are not written again: both share them on the disk.

    Args:
        folder: Folder in the cache.
        root: Folder that holds the files.
        files: The files, which are read only where they changed.
    """

    def write(part: Path) -> None:
        remove_unused(folder.parent)
        part.mkdir()
        states = file_states(root, files)
        known = find_known(folder.parent, family := f"{root} bytes")
        places, count = _take_over(part, known, [known.rows.get(state, -1) for state in states])
        at, missing = 0, np.flatnonzero(places[:, 0] < 0)
        with _part(part, count).open("wb") as out:
            for row in missing.tolist():
                size = out.write(files[row].read_bytes())
                places[row], at = (count, at, at + size), at + size
        np.save(part / PLACES, places)
        save_files(part, family, states, places=places)

    return make_once(folder, write, JoinedFiles)


def _take_over(
    folder: Path, known: KnownFiles, rows: list[int]
) -> tuple[Int[np.ndarray, "n 3"], int]:
    """Link the known bytes into `folder`, where most of them are still in use.

    Returns:
        Place of each file, of which -1 are to be written, and the number of linked parts.
    """
    places = np.full((len(rows), 3), -1, np.int64)
    if known.folder is None:
        return places, 0
    had, taken = known.arrays["places"], np.array(rows)
    used = had[taken[taken >= 0]]
    count = int(had[:, 0].max(initial=-1)) + 1
    parts = [_part(known.folder, number) for number in range(count)]
    stored = sum(part.stat().st_size for part in parts)
    if count >= PARTS or 2 * (used[:, 2] - used[:, 1]).sum() < stored:
        return places, 0
    try:
        for part in parts:
            os.link(part, folder / part.name)
    except OSError:  # not every file system has links
        for part in parts:
            (folder / part.name).unlink(missing_ok=True)
        return places, 0
    places[taken >= 0] = used
    return places, count


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number}.bin"
