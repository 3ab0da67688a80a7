"""Bundles: files with the records of an experiment, one JSON line each, in the order of ids.

Large bundles are compressed. The bytes depend on the records alone, so the same records always make
the same file. A record that is in several bundles is the same in all of them. This module does not
import torch.
"""

import gzip
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from da.config.validation import is_run_id
from da.system.cache import write_whole

LARGE = 2**20
"""Size in bytes from which a bundle is compressed."""

ENDINGS = ".jsonl", ".jsonl.gz"
"""File endings of a plain and of a compressed bundle."""


def find(id: str, folder: Path) -> str | None:
    """Return the line of a run in the bundles of a folder, or None if no bundle has it."""
    each = (read(file) for file in _bundles(folder))
    return next((lines[id] for lines in each if id in lines), None)


def ids(folder: Path) -> set[str]:
    """Return the ids of all runs in the bundles of a folder."""
    return {id for file in _bundles(folder) for id in read(file)}


def write(lines: Mapping[str, str], name: str, folder: Path) -> Path:
    """Write records to a bundle, and update other bundles that hold some of them already.

    Args:
        lines: JSON line of each record, by id.
        name: Name of the bundle, without ending.
        folder: Folder of the bundles.

    Returns:
        Path of the bundle.
    """
    for file in _bundles(folder):
        old = read(file)
        if again := {id: lines[id] for id in old.keys() & lines.keys()}:
            _write(old | again, file.name.partition(".")[0], folder)
    return _write(lines, name, folder)


def _bundles(folder: Path) -> list[Path]:
    try:
        return _list(folder.absolute(), folder.stat().st_mtime_ns)
    except OSError:  # there is no such folder
        return []


@lru_cache(maxsize=64)
def _list(folder: Path, changed: int) -> list[Path]:
    """List the bundles of a folder once: it may hold thousands of other files."""
    return sorted(file for ending in ENDINGS for file in folder.glob(f"[!.]*{ending}"))


def read(file: Path) -> dict[str, str]:
    """Read the lines of a bundle, by the ids of the runs.

    Raises:
        ValueError: The file, which the error names, is no bundle.
    """
    about = file.stat()
    return _read(file, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, changed: int, size: int) -> dict[str, str]:
    """Read a bundle; time and size are part of the key, so that a changed file is read again."""
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
        lines = {line.split('"', 4)[3]: line for line in text.splitlines()}
    except (OSError, EOFError, ValueError, IndexError, zlib.error) as error:
        raise ValueError(
            f"{file} is no bundle of records: {error}; restore or remove it"
        ) from error
    if wrong := [id for id in lines if not is_run_id(id)]:
        raise ValueError(
            f"{file} is no bundle of records: {wrong[0][:12]!r} is no id; restore or remove it"
        )
    return lines


def _write(lines: Mapping[str, str], name: str, folder: Path) -> Path:
    content = "".join(f"{line}\n" for _, line in sorted(lines.items())).encode()
    large = len(content) >= LARGE
    file, other = (folder / f"{name}{ending}" for ending in (ENDINGS[::-1] if large else ENDINGS))
    with write_whole(file, "--out") as part:
        part.write_bytes(gzip.compress(content, 9, mtime=0) if large else content)
    other.unlink(missing_ok=True)
    _list.cache_clear()  # a folder's time may be too coarse to tell
    return file
