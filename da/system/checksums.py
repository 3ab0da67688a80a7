"""Checksums of stored files and folders, which show whether they are as they were written.

They are in a hidden file next to what they are of. A file is hashed in blocks. Where its size and
time of change are as they were, few blocks are compared, drawn at random; else, or on request, all.
"""

import hashlib
import json
import os
import random
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from da.system.temporary import part_path, remove

BLOCK = 2**22
"""Bytes of a block."""

SAMPLE = 8
"""Blocks that are compared of a file that seems unchanged."""


class Sums(NamedTuple):
    """What is known of a file."""

    size: int
    changed: int
    """Time of the last change, in nanoseconds."""
    blocks: list[str]


_matched: dict[Path, list[tuple[int, int, int]]] = {}
"""Inode, size and time of change of the files that this process has checked."""


def sums_file(path: Path) -> Path:
    """Return the file of the checksums of `path`."""
    return path.with_name(f".{path.name}.sums")


def last_used(path: Path) -> float:
    """Return when a stored file or folder was used last, in seconds since 1970."""
    files = [file for file in (path, sums_file(path)) if file.exists()]
    return max(file.stat().st_mtime for file in files)


def compute(path: Path) -> dict[str, Sums]:
    """Return the checksums of a file, or of each file in a folder by its name there."""
    return {name: _sums(file) for name, file in _files(path).items()}


def store(path: Path, sums: dict[str, Sums]) -> None:
    """Write the checksums of `path`, which may be computed before it is moved there."""
    part = part_path(sums_file(path))
    try:
        part.write_text(json.dumps(sums))
        part.replace(sums_file(path))
    finally:
        remove(part)


def match(path: Path, *, whole: bool = False) -> bool | None:
    """Return whether `path` is as its checksums say, None where it has none.

    What a process has found right, and has not changed since, it does not read again.

    Args:
        path: A file or folder.
        whole: Whether to compare all blocks of all files.
    """
    if (known := _load(path)) is None:
        return None
    files = _files(path)
    state = [(s.st_ino, s.st_size, s.st_mtime_ns) for s in (f.stat() for f in files.values())]
    if not whole and _matched.get(path) == state:
        return True
    if not known.keys() <= files.keys():
        return False
    if not all(_is_same(files[name], sums, whole) for name, sums in known.items()):
        return False
    _matched[path] = state
    if any(files[name].stat().st_mtime_ns != sums.changed for name, sums in known.items()):
        _store_times(path, known, files)
    return True


def _store_times(path: Path, known: dict[str, Sums], files: dict[str, Path]) -> None:
    seen = {n: sums._replace(changed=files[n].stat().st_mtime_ns) for n, sums in known.items()}
    with suppress(OSError):  # of another user
        store(path, seen)


def _load(path: Path) -> dict[str, Sums] | None:
    try:
        stored = json.loads(sums_file(path).read_text())
        return {
            name: Sums(int(size), int(at), [*blocks]) for name, (size, at, blocks) in stored.items()
        }
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _files(path: Path) -> dict[str, Path]:
    """Return the files of a folder by name, without hidden ones, or the one file as ''."""
    if not path.is_dir():
        return {"": path}
    return {f.name: f for f in sorted(path.iterdir()) if f.is_file() and f.name[0] != "."}


def _sums(file: Path) -> Sums:
    with file.open("rb") as opened:
        stat = os.fstat(opened.fileno())
        blocks = [_digest(block) for block in iter(lambda: opened.read(BLOCK), b"")]
    return Sums(stat.st_size, stat.st_mtime_ns, blocks)


def _digest(block: bytes) -> str:
    return hashlib.sha256(block).hexdigest()[:32]


def _is_same(file: Path, known: Sums, whole: bool) -> bool:
    stat = file.stat()
    if stat.st_size != known.size:
        return False
    some = list(range(len(known.blocks)))
    if not whole and stat.st_mtime_ns == known.changed:
        some = random.Random().sample(some, min(SAMPLE, len(some)))  # not a run's random numbers
    with file.open("rb", buffering=0) as opened:
        for i in some:
            opened.seek(i * BLOCK)
            if _digest(opened.read(BLOCK)) != known.blocks[i]:
                return False
    return True
