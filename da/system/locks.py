"""Locks between processes, as files that are gone once nobody holds them."""

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

UNKNOWN = errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP
"""Errors of file systems that have no locks, such as some that nodes of a cluster share."""


class Lock:
    """A lock at a path, which the system frees when its process ends, even if killed.

    The file is there while the lock is held; its folder is made where it is missing. Only the
    holder removes the file, so whoever got the lock of a removed file tries again. Where the file
    system has no locks, everybody gets it.
    """

    def __init__(self, path: Path):
        self.path = path
        self._held: int | None = None

    def acquire(self, *, wait: bool = True) -> bool:
        """Take the lock and return True, or return False where another has it, without `wait`."""
        try:
            while self._held is None:
                self._held = self._try(wait)
        except BlockingIOError:
            return False
        return True

    def _try(self, wait: bool) -> int | None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            opened = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        except FileNotFoundError:  # another process has just removed the folder, as it was empty
            return None
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if os.path.samestat(os.fstat(opened), self.path.lstat()):
                return opened
        except FileNotFoundError:
            pass
        except BaseException as error:
            if isinstance(error, OSError) and error.errno in UNKNOWN:
                return opened
            os.close(opened)
            raise
        os.close(opened)
        return None

    def release(self) -> None:
        """Free the lock, if it is held."""
        if self._held is not None:
            with suppress(OSError):
                self.path.unlink()
            os.close(self._held)
            self._held = None

    def __enter__(self) -> None:
        self.acquire()

    def __exit__(self, *_: Any) -> None:
        self.release()


@contextmanager
def lock(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold the `Lock` at `path`.

    Raises:
        BlockingIOError: Another process holds it, without `wait`.
    """
    held = Lock(path)
    if not held.acquire(wait=wait):
        raise BlockingIOError(f"{path} is held by another process")
    with held:
        yield


def remove_stale_locks(folder: Path, pattern: str = "*") -> None:
    """Remove the lock files that killed processes left in `folder`."""
    for file in folder.glob(pattern):
        with suppress(OSError), lock(file, wait=False):  # whose end removes it
            pass


def is_held(path: Path) -> bool:
    """Return whether a process holds the lock at `path`."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(opened, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError as error:
        if error.errno not in UNKNOWN:
            raise
    finally:
        os.close(opened)
    return False
