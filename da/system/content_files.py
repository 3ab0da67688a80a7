"""Files that settings name by their content: the same run, wherever the file lies.

The setting is `file:` and a part of the file's SHA-256. Where files of that content were seen is
kept in the cache folder.
"""

import os
import re
from functools import lru_cache
from pathlib import Path

from da.system.cache import cache_home, file_sha256, write_whole

PREFIX = "file:"
SUFFIXES = ".pth", ".pt", ".bin", ".ckpt", ".tar", ".safetensors"
"""Ends of the names of files that hold weights."""

DIGITS = 16
"""Hexadecimal digits of the hash in a name."""


def is_file_name(text: object) -> bool:
    """Return whether something names a file by its content."""
    return isinstance(text, str) and bool(re.fullmatch(f"{PREFIX}[0-9a-f]{{{DIGITS}}}", text))


def find_path(text: str) -> Path | None:
    """Return the path that a text is, or None for one that is no path."""
    path = Path(text)
    if path.suffix in SUFFIXES or os.path.isfile(text):  # unlike Path's, which raises for some text
        return path
    return path if os.sep in text.strip(os.sep) else None


def name_file(path: Path) -> str:
    """Return the name of a file by its content, and keep where it lies.

    Raises:
        ValueError: If there is no such file.
    """
    path = Path(os.path.expanduser(path)).absolute()
    if not os.path.isfile(path):
        raise ValueError(f"wrong settings: there is no file {str(path)!r}, which init names")
    name = f"{PREFIX}{_digest(path)}"
    if path not in (seen := _seen(name)):
        with write_whole(_list_of(name)) as part:
            part.write_text("".join(f"{each}\n" for each in (path, *seen)), encoding="utf-8")
    return name


def find_file(name: str) -> Path:
    """Return where a file of a content lies.

    Raises:
        ValueError: If it was never seen on this machine, or is not where it was.
    """
    for path in (seen := _seen(name)):
        if path.is_file() and name == f"{PREFIX}{_digest(path)}":
            return path
    where = f"{seen[0]} is gone or has changed" if seen else "it was not seen on this machine"
    raise ValueError(f"no file of init {name}: {where}; give it again, as --init FILE")


def last_path(name: str) -> Path:
    """Return where a file of a content was seen last; an empty path if nowhere."""
    return next(iter(_seen(name)), Path())


def _list_of(name: str) -> Path:
    return cache_home() / "init_files" / name.removeprefix(PREFIX)


def _seen(name: str) -> list[Path]:
    file = _list_of(name)
    return [*map(Path, file.read_text(encoding="utf-8").splitlines())] if file.is_file() else []


def _digest(path: Path) -> str:
    stat = path.stat()
    return _hash(path, stat.st_size, stat.st_mtime_ns)[:DIGITS]


@lru_cache
def _hash(path: Path, size: int, changed: int) -> str:
    return file_sha256(path)
