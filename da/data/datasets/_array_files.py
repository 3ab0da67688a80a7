"""Data sets that come as files of arrays: finding them, and storing them as domains."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int, UInt8

from da.data import paths, splits
from da.data.datasets import _archives as packed
from da.data.datasets._class_folders import subfolders
from da.data.datasets._find_published import set_folders
from da.data.domain import PARTS, Domain, keep_domain, save_domain
from da.system.cache import cache_home, remove_unused

DEPTH = 2
"""Folders between that of a data set and its files, at most."""

Half = tuple[UInt8[np.ndarray, "_ _ _ 3"], Int[np.ndarray, "_"]]
"""Training or test images, and the class of each."""

Change = Callable[[tuple[Half, ...]], tuple[Half, ...]]
"""Function of training and test images."""

Rows = dict[str, splits.Rows]
"""Rows of a domain for each role."""


class Kind(NamedTuple):
    """One of the forms in which a domain is published."""

    names: Sequence[str]
    """Names of its files, or their paths under one folder."""
    read: Callable[[Sequence[Path]], tuple[Half, ...]]
    """Function from these files to training images and, where there are such, test images."""
    archives: Sequence[str] = ()
    """Names of archives that may hold them, without endings."""

    def map(self, change: Change) -> "Kind":
        """Return the form with its images changed by a function."""
        return self._replace(read=lambda files: change(self.read(files)))


class Form(NamedTuple):
    """A domain as it lies here."""

    files: Sequence[Path]
    """Files whose change makes the domain be read again."""
    read: Callable[[], tuple[Half, ...]]
    """Function that reads its training images and, where there are such, its test images."""

    def map(self, change: Change) -> "Form":
        """Return the form with its images changed by a function."""
        return Form(self.files, lambda: change(self.read()))


def find_form(titles: Sequence[str], kinds: Sequence[Kind]) -> Form | None:
    """Return the first of some forms of a domain that is here, or None.

    Args:
        titles: Names that the folder of the data set may have.
        kinds: The forms; those in unpacked files come first.
    """
    for archives in (False, True):
        for kind in kinds:
            if files := find_files(titles, kind.names, kind.archives if archives else ()):
                return Form(files, partial(kind.read, files))
    return None


def find_files(
    titles: Sequence[str], names: Sequence[str], archives: Sequence[str] = ()
) -> list[Path]:
    """Return the files of some names in the first folder that has them all, or none.

    Args:
        titles: Names that the folder of the data set may have; `DA_DATA` is looked through too.
        names: Names of the files, or paths under one folder.
        archives: Names of archives that hold them, without endings; they are unpacked if need be.
    """
    near = set_folders(titles)
    unpacked = packed.unpack_named([*chain(*map(_walk, near))], archives) if archives else ()
    for folder in chain(*map(_walk, near), *map(_walk, unpacked)):
        files = [folder / name for name in names]
        if all(file.is_file() for file in files):
            return files
    return []


def _walk(root: Path) -> Iterator[Path]:
    """Yield a folder and those below it, level by level."""
    level = [root]
    for depth in range(DEPTH + 1):
        yield from level
        level = [inner for folder in level for inner in subfolders(folder)] if depth < DEPTH else []


def keep_halves(
    benchmark: str,
    domain: str,
    form: Form,
    classes: tuple[str, ...],
    divide: Callable[[Sequence[Half]], Rows] | None = None,
) -> Domain:
    """Load a domain of training and test images, which is read at the first call.

    Args:
        benchmark: Name of the benchmark, for messages and the folder in the cache.
        domain: Name of the domain.
        form: Its files, and how they are read.
        classes: Names of the classes.
        divide: A function from both halves to the rows for each role; `by_halves` if None.
    """
    states = [f"{file} {paths.file_state(file)}" for file in form.files]
    key = hashlib.sha256("\n".join([domain, *states]).encode()).hexdigest()[:24]

    def write(folder: Path) -> None:
        remove_unused(folder.parent)
        where = f" from {form.files[0].parent}" if form.files else ""
        print(f"{benchmark}: reading {domain}{where}, once", file=sys.stderr)
        halves = form.read()
        y = np.concatenate([y for _, y in halves])
        x = _write_pixels(folder, [x for x, _ in halves], len(y))
        save_domain(folder, x, y, classes, (divide or by_halves)(halves))

    return keep_domain(cache_home() / benchmark / key, write)


def _write_pixels(
    folder: Path, parts: Sequence[UInt8[np.ndarray, "_ _ _ 3"]], count: int
) -> np.memmap:
    """Write images one after the other, without a copy of all of them in memory."""
    folder.mkdir()
    shape = count, *parts[0].shape[1:]
    x = np.lib.format.open_memmap(folder / "x.npy", "w+", np.uint8, shape)
    np.concatenate(parts, out=x)
    x.flush()
    return x


def by_halves(halves: Sequence[Half]) -> Rows:
    """Return the rows for each role: training images are trained on, test images tested on.

    Where there are training images alone, a tenth of each class is held out for tests.
    """
    y = halves[0][1]
    if len(halves) == 1:
        held = splits.hold_out([str(i) for i in range(len(y))], y, every=10)
        train, test = np.flatnonzero(~held), np.flatnonzero(held)
    else:
        train, test = np.split(np.arange(len(y) + len(halves[1][1])), [len(y)])
    return dict(zip(PARTS, (train, test, train, test), strict=True))


def choose_rows(y: Int[np.ndarray, "n"], count: int) -> splits.Rows:
    """Choose so many rows of an array, always the same ones, by the hash of their numbers."""
    return np.sort(splits.order_by_hash([str(i) for i in range(len(y))])[:count])


def check_domains(
    benchmark: str,
    domains: Sequence[str],
    open_domain: Callable[[str], Domain],
    published: Mapping[str, Sequence[int]],
) -> Iterator[str]:
    """Yield a line on each domain: its numbers of training and test images, and what is published.

    Args:
        benchmark: Name of the benchmark.
        domains: Names of its domains.
        open_domain: Function that opens one.
        published: Published numbers of training and test images of domains, as far as known.
    """
    for name in domains:
        try:
            rows = open_domain(name).rows
        except ValueError as error:
            yield f"{benchmark}:{name}: {error}"
            continue
        found = [len(rows[part]) for part in ("source_train", "target_test")]
        have, known = (
            " + ".join(f"{n:,}" for n in each) for each in (found, published.get(name, ()))
        )
        compared = "as published" if have == known else f"{known} are published"
        yield f"{benchmark}:{name}: {have} images{f', {compared}' if known else ''}"


def explain_missing(what: str, domain: str, files: Mapping[str, str], folder: str) -> str:
    """Say that the files of a domain are not here, and where they come from.

    Args:
        what: Name of the data set.
        domain: Name of the domain.
        files: Where each of its files comes from, by its name.
        folder: Folder below `DA_DATA` where they belong.
    """
    data = paths.data_folder()
    where = f"under {data}" if data else "as DA_DATA is not set"
    places = ", ".join(f"{name} ({place})" for name, place in files.items())
    return f"{domain} of {what} is not here {where}: put {places} into DA_DATA/{folder}"
