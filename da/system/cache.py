"""The folder of all that is fetched or computed once, and files that are whole or absent."""

import hashlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryFile

from da.system import checksums
from da.system.locks import lock, remove_stale_locks
from da.system.temporary import part_path, remove, remove_abandoned

Check = Callable[[Path], object]
"""Function that raises an error where a stored file or folder is damaged."""

KEY = "[0-9a-f]" * 24
"""Pattern of the names of what is computed from other files."""

MANY = 100
"""Files of a folder above which the whole system is told to write, which is faster then."""

DAYS = 30
"""Days without use after which what is computed from other files is removed."""


def cache_home() -> Path:
    """Return the cache folder: `DA_HOME`, or `~/.cache/da` where that is not set.

    Raises:
        ValueError: If `DA_HOME` is a file, or the home folder is not known.
    """
    named = os.environ.get("DA_HOME") or "~/.cache/da"
    try:
        home = Path(named).expanduser().absolute()
    except RuntimeError as error:
        raise ValueError(f"DA_HOME is {named!r}, but {error}") from error
    if home.exists() and not home.is_dir():
        raise ValueError(f"DA_HOME is {named!r}, which is no folder")
    return home


class UnwritableError(OSError):
    """A file or folder that could not be written; the message says what to do."""


class NotMadeError(LookupError):
    """A cached file that is not there, inside `without_making`."""


_making: ContextVar[bool] = ContextVar("_making", default=True)


@contextmanager
def without_making() -> Iterator[None]:
    """Let `make_once` in the block return what is there, and raise NotMadeError for the rest."""
    token = _making.set(False)
    try:
        yield
    finally:
        _making.reset(token)


def may_make() -> bool:
    """Return whether `make_once` writes what is not there."""
    return _making.get()


@contextmanager
def write_whole(path: Path, chosen_by: str = "DA_HOME") -> Iterator[Path]:
    """Give a temporary path to write a file or folder to, and move it to `path` on success.

    The temporary path is next to `path`. After an error, a kill or a power cut, `path` is what it
    was before. A folder does not replace an existing folder.

    Args:
        path: Where the file or folder is in the end.
        chosen_by: The option or variable by which the user says where `path` is.

    Raises:
        UnwritableError: If it cannot be written, for example because the disk is full.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise UnwritableError(f"cannot write {path}: it is a device or the like, and no file")
    part = part_path(path)
    with explain_write_errors(path, chosen_by):
        path.parent.mkdir(parents=True, exist_ok=True)
        _tidy(path.parent)
        remove(part)  # left by a killed process that had the same process id
        try:
            yield part
            _sync(part)
            part.replace(path)
            _sync_folder(path.parent)
        finally:
            remove(part)


@lru_cache(maxsize=256)
def _tidy(folder: Path) -> None:
    """Remove what killed processes left in a folder, once a process."""
    remove_abandoned(folder)


def _sync(path: Path) -> None:
    """Make sure that a file, or a folder with all its files, is on the disk."""
    within = [path, *path.rglob("*")]
    if len(within) > MANY:
        return os.sync()
    for each in within:
        _sync_folder(each) if each.is_dir() else _fsync(each)


def _sync_folder(folder: Path) -> None:
    with suppress(OSError):  # not every file system can
        _fsync(folder)


def _fsync(path: Path) -> None:
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


@contextmanager
def explain_write_errors(path: Path, chosen_by: str = "DA_HOME") -> Iterator[None]:
    """Turn an OSError about `path` in the block into an UnwritableError.

    One about a file elsewhere, such as an image that cannot be read, stays as it is. `chosen_by` is
    explained at `write_whole`.
    """
    try:
        yield
    except OSError as error:
        if not _concerns(error, path.parent.absolute()):
            raise
        raise UnwritableError(
            f"cannot write {path}: {error}; make room there or point {chosen_by} elsewhere"
        ) from error


def check_writable(folder: Path, chosen_by: str = "DA_HOME") -> None:
    """Check that files can be written in a folder, or that it can be made, without making it.

    Raises:
        UnwritableError: They cannot; `chosen_by` is explained at `write_whole`.
    """
    with explain_write_errors(folder, chosen_by):
        for there in (folder, *folder.absolute().parents):
            with suppress(FileNotFoundError):
                there.lstat()
                break
        with TemporaryFile(dir=there):
            pass


def _concerns(error: OSError, folder: Path) -> bool:
    """Return whether an error is of the system and about a folder, or does not say of what."""
    if isinstance(error, UnwritableError) or error.errno is None:
        return False
    file = Path(os.fsdecode(error.filename or folder)).absolute()
    return file.is_relative_to(folder) or folder.is_relative_to(file)


def make_once(path: Path, make: Callable[[Path], None], check: Check | None = None) -> Path:
    """Return `path`, and let `make` write it first if it is not there or is damaged.

    Of several processes only one writes it; the others wait. Those that have a damaged file open
    keep it as it is.

    Args:
        path: A file or folder in the cache.
        make: Function that writes it to another path.
        check: Function that raises an error for a damaged one. It is called for what has no
            checksums yet, being made by an earlier version. None where the caller checks: then what
            is there stays, and gets no checksums.

    Raises:
        NotMadeError: If it is not there, inside `without_making`, where nothing is checked.
    """
    if not _making.get():
        if not path.exists():
            raise NotMadeError(path)
        return path
    if not (path.exists() and (check is None or _is_whole(path))):
        with explain_write_errors(path), lock(path.with_name(f".{path.name}.lock")):
            _make(path, make, check)
    with suppress(OSError):  # of another user
        os.utime(checksums.sums_file(path))
    return path


def _is_whole(path: Path) -> bool:
    same = checksums.match(path)
    return not os.access(path.parent, os.W_OK) if same is None else same


def _make(path: Path, make: Callable[[Path], None], check: Check | None) -> None:
    there = os.path.lexists(path)
    if there and (check is None or is_sound(path, check)):
        return
    if there:
        print(f"{path} is damaged: making it again", file=sys.stderr)
    old = part_path(path.with_name(f"{path.name}.old"))
    try:
        with write_whole(path) as part:
            make(part)
            sums = checksums.compute(part) if check else None
            checksums.sums_file(path).unlink(missing_ok=True)
            if there:
                path.replace(old)
    finally:
        remove(old)
    if sums is not None:
        checksums.store(path, sums)
    remove_stale_locks(path.parent, ".*.lock")


def is_sound(path: Path, check: Check) -> bool:
    """Return whether a path is there and not damaged, and give it checksums if it has none.

    Args:
        path: A file or folder in the cache.
        check: Function that raises an error for a damaged one.
    """
    try:
        same = checksums.match(path)
        if same is None:
            check(path)
            with suppress(OSError):  # of another user
                checksums.store(path, checksums.compute(path))
        return same is not False
    except (EOFError, KeyError, OSError, TypeError, ValueError):
        return False


def remove_unused(folder: Path, pattern: str = KEY) -> None:
    """Remove files and folders in `folder` that have not been used for `DAYS` days.

    Args:
        folder: A folder of the cache.
        pattern: Names of what may be removed.
    """
    for sums in folder.glob(".*.sums"):
        if not (folder / sums.name[1:-5]).exists():
            sums.unlink(missing_ok=True)
    for path in folder.glob(pattern):
        with suppress(OSError):  # of another user, or gone already
            if time.time() - checksums.last_used(path) > DAYS * 86400:
                discard(path)


def discard(path: Path) -> None:
    """Remove a file or folder of the cache, with its checksums; processes that use it keep it.

    Raises:
        BlockingIOError: Another process is making it.
    """
    with lock(path.with_name(f".{path.name}.lock"), wait=False):
        old = part_path(path.with_name(f"{path.name}.old"))
        path.replace(old)
        checksums.sums_file(path).unlink(missing_ok=True)
        remove(old)


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
