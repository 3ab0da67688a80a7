"""How images of files are kept: as pixels, as the bytes of their files, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Literal, get_args

Store = Literal["pixels", "encoded", "files"]
"""What is kept of images: decoded pixels, all their files in one, or nothing.

encoded and files are decoded whenever they are used, to the same pixels.
"""

VARIABLE = "DA_STORE"
"""Environment variable that chooses the store by hand."""

SMALL = 2**33
"""Most bytes of pixels of a domain that is kept as pixels: some 43,000 images 256 pixels wide."""

_once: ContextVar[bool] = ContextVar("_once", default=False)


@contextmanager
def read_once(once: bool = True) -> Iterator[None]:
    """Let domains that are opened in the block be read for features only, which are kept."""
    token = _once.set(once)
    try:
        yield
    finally:
        _once.reset(token)


def is_large(pixels: int) -> bool:
    """Return whether images of so many bytes of pixels are a large set.

    The digest of a large set is of digests of its images, so that more images are added without
    the pixels of the others.
    """
    return pixels > SMALL


def forced_store() -> Store | None:
    """Return the store that the user chose by `DA_STORE`.

    Raises:
        ValueError: If it is unknown.
    """
    named = os.environ.get(VARIABLE, "")
    for store in get_args(Store):
        if store == named:
            return store
    if named:
        raise ValueError(f"{VARIABLE} is {named!r}, known: {', '.join(get_args(Store))}")
    return None


def choose_store(pixels: int, encoded: int, free: int) -> Store:
    """Choose how images are kept; this is the rule that holds unless `DA_STORE` says otherwise.

    Pixels are kept where they are few, or fewer than the bytes of the files, and take at most half
    of the free room. Of larger sets the files are kept where they take at most half of it, and
    where more than features is made of them. Of others nothing is kept.

    Args:
        pixels: Bytes of all pixels.
        encoded: Bytes of all files.
        free: Bytes that are free in the cache.
    """
    few = not is_large(pixels) or pixels <= encoded
    if few and 2 * pixels <= free:
        return "pixels"
    return "files" if _once.get() or 2 * encoded > free else "encoded"


def free_room(folder: Path) -> int:
    """Return the bytes that are free where a folder is, or will be."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(there).free


def describe_store(store: Store, pixels: int, encoded: int) -> str:
    """Say in a line how large images are kept, and how to choose otherwise."""
    how = {
        "pixels": "kept as pixels",
        "encoded": f"kept as files of {_size(encoded)} in one, and decoded whenever they are used",
        "files": "nothing is kept, and files are decoded whenever they are used",
    }
    return f"{_size(pixels)} as pixels: {how[store]} ({VARIABLE})"


def _size(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
