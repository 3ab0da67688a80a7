"""The folder of all that is fetched or computed once, and files that are whole or absent."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from filelock import FileLock


def cache_home() -> Path:
    """Return the cache folder: `DA_HOME`, or `~/.cache/da` where that is not set."""
    return Path(os.environ.get("DA_HOME") or Path.home() / ".cache" / "da")


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


@contextmanager
def write_whole(path: Path, chosen_by: str = "DA_HOME") -> Iterator[Path]:
    """Give a temporary path to write a file or folder to, and move it to `path` on success.

    The temporary path is next to `path`. After an error or a kill, `path` is what it was before.
    A folder does not replace an existing folder.

    Args:
        path: Where the file or folder is in the end.
        chosen_by: The option or variable by which the user says where `path` is.

    Raises:
        UnwritableError: If it cannot be written, for example because the disk is full.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with explain_write_errors(path, chosen_by):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)  # left by a killed process that had the same process id
        try:
            yield part
            part.replace(path)
        finally:
            _remove(part)


@contextmanager
def explain_write_errors(path: Path, chosen_by: str = "DA_HOME") -> Iterator[None]:
    """Turn an OSError in the block into an UnwritableError about `path`.

    `chosen_by` is explained at `write_whole`.
    """
    try:
        yield
    except UnwritableError:
        raise
    except OSError as error:
        raise UnwritableError(
            f"cannot write {path}: {error}; make room there or point {chosen_by} elsewhere"
        ) from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def make_once(path: Path, make: Callable[[Path], None]) -> Path:
    """Return `path`, and let `make` write it first if it is not there.

    Of several processes only one writes it; the others wait.

    Raises:
        NotMadeError: If it is not there, inside `without_making`.
    """
    if not path.exists():
        if not _making.get():
            raise NotMadeError(path)
        with explain_write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if not path.exists():
                    with write_whole(path) as part:
                        make(part)
    return path


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
