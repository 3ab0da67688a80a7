"""Records of an experiment in one file: a line of JSON each, in the order of their ids.

Large bundles are compressed. The bytes depend on the records alone, so that the same records make
the same file. A record that stands in several bundles is the same in all of them. No torch.
"""

import gzip
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from da.system.cache import write_whole

LARGE = 2**20
"""Bytes from which on a bundle is compressed."""

ENDINGS = ".jsonl", ".jsonl.gz"


def find(id: str, folder: Path) -> str | None:
    """The line of run `id` in the bundles of `folder`; None where no bundle has it."""
    each = (read(file) for file in _bundles(folder))
    return next((lines[id] for lines in each if id in lines), None)


def ids(folder: Path) -> set[str]:
    """Ids of all runs in the bundles of `folder`."""
    return {id for file in _bundles(folder) for id in read(file)}


def write(lines: Mapping[str, str], name: str, folder: Path) -> Path:
    """Write `lines`, by id, to the bundle `name`, and to those that hold some of them already."""
    for file in _bundles(folder):
        old = read(file)
        if again := {id: lines[id] for id in old.keys() & lines.keys()}:
            _write(old | again, file.name.partition(".")[0], folder)
    return _write(lines, name, folder)


def _bundles(folder: Path) -> list[Path]:
    return sorted(file for ending in ENDINGS for file in folder.glob(f"[!.]*{ending}"))


def read(file: Path) -> dict[str, str]:
    """Lines of the bundle `file`, by id; ValueError, naming it, where it is none."""
    about = file.stat()
    return _read(file, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=64)
def _read(file: Path, changed: int, size: int) -> dict[str, str]:
    try:
        content = file.read_bytes()
        text = (gzip.decompress(content) if file.suffix == ".gz" else content).decode()
        return {line.split('"', 4)[3]: line for line in text.splitlines()}
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise ValueError(f"{file} is no bundle of records: {error}") from error


def _write(lines: Mapping[str, str], name: str, folder: Path) -> Path:
    content = "".join(f"{line}\n" for _, line in sorted(lines.items())).encode()
    large = len(content) >= LARGE
    file, other = (folder / f"{name}{ending}" for ending in (ENDINGS[::-1] if large else ENDINGS))
    with write_whole(file, "--out") as part:
        part.write_bytes(gzip.compress(content, 9, mtime=0) if large else content)
    other.unlink(missing_ok=True)
    return file
