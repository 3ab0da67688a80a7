"""Locks between processes, as files that are gone once nobody holds them."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the lock at `path`, whose folder is made where it is missing.

    The system frees it when its process ends, even if killed. Only the holder removes the file, so
    whoever got the lock of a removed file tries again.

    Args:
        path: File of the lock.
        wait: Whether to wait until nobody else holds it.

    Raises:
        BlockingIOError: Another process holds it, without `wait`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    held = _acquire(path, wait)
    try:
        yield
    finally:
        with suppress(OSError):
            path.unlink()
        os.close(held)


def _acquire(path: Path, wait: bool) -> int:
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            with suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(held), path.lstat()):
                    return held
        except BaseException:
            os.close(held)
            raise
        os.close(held)


def remove_stale_locks(folder: Path, pattern: str = "*") -> None:
    """Remove the lock files that killed processes left in `folder`."""
    for file in folder.glob(pattern):
        with suppress(OSError), lock(file, wait=False):  # whose end removes it
            pass
