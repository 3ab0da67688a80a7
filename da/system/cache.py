"""The folder of everything that is fetched or computed once, and files that are whole or absent."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


def cache_home() -> Path:
    """`DA_HOME`, or `~/.cache/da`."""
    return Path(os.environ.get("DA_HOME") or Path.home() / ".cache" / "da")


class UnwritableError(OSError):
    """A file or folder that could not be written, and what to do."""


@contextmanager
def write_whole(path: Path, chosen_by: str = "DA_HOME") -> Iterator[Path]:
    """A name beside `path` to write a file or folder to; it becomes `path` once all went well.

    After an error or a kill `path` is what it was before. A folder takes the place of none.
    Raises UnwritableError, for example where the disk is full; `chosen_by` is the option or
    variable by which the user says where `path` is.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with explain_write_errors(path, chosen_by):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)  # of a process that was killed and had the same number
        try:
            yield part
            part.replace(path)
        finally:
            _remove(part)


@contextmanager
def explain_write_errors(path: Path, chosen_by: str = "DA_HOME") -> Iterator[None]:
    """Where `path` cannot be written, the error becomes an UnwritableError; see `write_whole`."""
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
    """`path`, which `make` writes if it is not there; of several processes only one does."""
    if not path.exists():
        with explain_write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if not path.exists():
                    with write_whole(path) as part:
                        make(part)
    return path


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
