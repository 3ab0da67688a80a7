"""What the cache holds: listing it, comparing it with its checksums, and freeing its room.

Only known names in known folders are touched, and no link is followed.
"""

import os
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from da.config.registry import DATASETS
from da.config.validation import likely_names
from da.system import checksums
from da.system.cache import DAYS, cache_home, discard

COMPUTED = (
    *("features", "shards", "columns", "hashes", "formats"),
    *("unpacked", "mnist", "fetched", "weights"),
)
"""Folders of the cache, beside one for each benchmark."""

ARCHIVES = {".gz", ".tgz", ".whl"}
"""Endings of fetched files."""

WORDS = "unused", "all"
"""Names that stand for things in several folders."""

USAGE = (
    f"free some with da data --clean NAME: a name above, 'unused' for what was not used for {DAYS} "
    "days, or 'all'; these two leave archives and weights, which cannot be computed again"
)


def groups() -> tuple[str, ...]:
    """Return the names of the folders of the cache."""
    return (*DATASETS, *COMPUTED)


def describe_stored() -> Iterator[str]:
    """Describe each folder of the cache in a line: its size, and when it was used last."""
    for group in groups():
        if entries := list_entries(group):
            used = time.strftime("%Y-%m-%d", time.localtime(max(map(checksums.last_used, entries))))
            count = f"{len(entries)} stored, last used on {used}"
            yield f"{group:13} {_megabytes(entries):>8} MB  {count}"
    yield f"{cache_home()}: {USAGE}"


def free(names: Sequence[str]) -> Iterator[str]:
    """Remove what the names stand for, and give a line on each folder of the cache.

    Raises:
        ValueError: If a name is unknown.
    """
    _check_names(names, (*groups(), *WORDS))
    meant = {
        group: [path for path in list_entries(group) if _is_meant(path, group, names)]
        for group in groups()
    }
    if not any(meant.values()):
        yield "nothing to remove"
    for group, entries in meant.items():
        size, count = _megabytes(entries), len(entries)
        for path in entries:
            try:
                discard(path)
            except OSError as error:
                count -= 1
                yield f"{path} stays: {error}"
        if entries:
            yield f"{group}: removed {count} of {len(entries)}, together {size} MB"


def check_stored(names: Sequence[str]) -> Iterator[str]:
    """Compare all that is stored with its checksums, and remove what is damaged.

    What an earlier version stored gets checksums when it is used. Archives are checked whenever
    they are read.

    Args:
        names: Folders of the cache; none for all.

    Raises:
        ValueError: If a name is unknown.
    """
    _check_names(names, groups())
    for group in names or groups():
        entries = list_entries(group)
        known = [path for path in entries if checksums.sums_file(path).exists()]
        damaged = [path for path in known if checksums.match(path, whole=True) is False]
        for path in damaged:
            discard(path)
            yield f"{path} was damaged: removed, and made again when it is needed"
        if entries:
            right, new = len(known) - len(damaged), len(entries) - len(known)
            yield f"{group}: {right} as they were written, {len(damaged)} damaged, {new} not known"
        elif names:
            yield f"{group}: nothing stored"


def list_entries(group: str) -> list[Path]:
    """List what a folder of the cache holds, each a file or a folder."""
    root = cache_home() / group
    if root.is_symlink() or not root.is_dir():
        return []
    within = [path for path in root.iterdir() if path.is_dir() and not path.is_symlink()]
    deep = [path for folder in within for path in folder.iterdir() if path.is_dir()]
    return [path for path in sorted([*root.iterdir(), *deep]) if _is_entry(path)]


def _is_entry(path: Path) -> bool:
    if path.name[0] == "." or path.is_symlink():
        return False
    if path.is_dir():
        return (path / "about.json").exists() or checksums.sums_file(path).exists()
    known = {".json"} if path.parent.name == "formats" else {".npy", ".pt", *ARCHIVES}
    return path.suffix in known


def _is_meant(path: Path, group: str, names: Sequence[str]) -> bool:
    if group in names:
        return True
    if group == "weights" or path.suffix in ARCHIVES:
        return False
    unused = time.time() - checksums.last_used(path) > DAYS * 86400
    return "all" in names or ("unused" in names and unused)


def _check_names(names: Iterable[str], known: Sequence[str]) -> None:
    for name in names:
        if name not in known:
            raise ValueError(
                f"unknown name {name!r}, known: {', '.join(likely_names(name, known))}"
            )


def _megabytes(entries: Iterable[Path]) -> str:
    return f"{sum(map(_size, entries)) / 1e6:,.0f}"


def _size(path: Path) -> int:
    if not path.is_dir():
        return path.lstat().st_size
    return sum(Path(top, f).lstat().st_size for top, _, files in os.walk(path) for f in files)
