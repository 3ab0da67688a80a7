"""The folder of everything that is fetched or computed once, and files that are whole or absent."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock


def home() -> Path:
    """`DA_HOME`, or `~/.cache/da`."""
    return Path(os.environ.get("DA_HOME") or Path.home() / ".cache" / "da")


class UnwritableError(OSError):
    """A file or folder that could not be written, and what to do."""


@contextmanager
def whole(path: Path, chosen_by: str = "DA_HOME") -> Iterator[Path]:
    """A name beside `path` to write a file or folder to; it becomes `path` once all went well.

    After an error or a kill `path` is what it was before. A folder takes the place of none.
    Raises UnwritableError, for example where the disk is full; `chosen_by` is the option or
    variable by which the user says where `path` is.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    with writing(path, chosen_by):
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove(part)  # of a process that was killed and had the same number
        try:
            yield part
            part.replace(path)
        finally:
            _remove(part)


@contextmanager
def writing(path: Path, chosen_by: str = "DA_HOME") -> Iterator[None]:
    """Where `path` cannot be written, the error becomes an UnwritableError; see `whole`."""
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


def once(path: Path, make: Callable[[Path], None]) -> Path:
    """`path`, which `make` writes if it is not there; of several processes only one does."""
    if not path.exists():
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(path.with_name(f".{path.name}.lock")):
                if not path.exists():
                    with whole(path) as part:
                        make(part)
    return path


def sha256(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
