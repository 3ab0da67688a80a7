"""CIFAR-10-C and CIFAR-100-C: test images in 19 corruptions, and the images without."""

import io
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from da.data import splits
from da.data.corruption_names import ALL, SEVERITIES, split_corruption, split_task
from da.data.datasets._array_files import (
    Form,
    Half,
    Kind,
    Rows,
    explain_missing,
    find_form,
    keep_halves,
)
from da.data.datasets._fetch import Origin
from da.data.datasets._find_published import set_folders
from da.data.domain import Domain
from da.system.archives import read_members

CLEAN = "clean"
"""Name of the domain of the images without corruption."""

LABELS = "labels.npy"


@dataclass(frozen=True)
class CorruptedCifar:
    """What is known of one of the two."""

    name: str
    """Name of the benchmark."""
    folder: str
    """Name of the folder and of the archive as they are published."""
    classes: tuple[str, ...]
    origin: Origin
    kinds: Sequence[Kind]
    """Forms of the images without corruption."""

    def pair(self, names: str) -> tuple[str, str]:
        """Split what stands in a task into source and target."""
        return split_task(names, CLEAN)

    def open_domain(self, name: str) -> Domain:
        """Open a domain of 32 x 32 color images, which is read at the first call.

        Raises:
            ValueError: If there is no such domain, its files are not here, or one is wrong.
        """
        form = self._find_clean() if name == CLEAN else self._find(*split_corruption(name))
        if form is None:
            raise ValueError(self._explain_missing(name, name))
        divide = None if name == CLEAN else _divide
        return keep_halves(self.name, name, form, self.classes, divide)

    def fetch(self) -> Iterator[str]:
        """Fetch what is missing, and give a line on the license and on each file."""
        missing = [] if self._find_clean() else [CLEAN]
        missing += [name for name in ALL if not self._find(name, 1)]
        yield from self.origin.fetch(missing)

    def check(self) -> Iterator[str]:
        """Give a line on each archive and corruption that is here, and on what is missing."""
        yield from self.origin.check()
        if not self._find_clean():
            yield f"{self.name}:{CLEAN}: {self._explain_missing(CLEAN, CLEAN)}"
        missing = []
        for name in ALL:
            try:
                form = self._find(name, 1)
                if form:
                    yield f"{self.name}:{name}: {len(form.read()[0][1]):,} images a severity"
                else:
                    missing.append(name)
            except ValueError as error:
                yield f"{self.name}:{name}: {error}"
        if missing:
            yield f"{self.name}: {self._explain_missing(', '.join(missing), missing[0])}"

    def _explain_missing(self, missing: str, domain: str) -> str:
        own = domain if domain == CLEAN else domain.rstrip("12345")
        files = {f.name: f.origin for f in self.origin.files if own in f.domains}
        return explain_missing(self.name, missing, files, self.name)

    def _find_clean(self) -> Form | None:
        titles = self.name, self.folder, self.folder.rpartition("-")[0]
        return find_form(titles, self.kinds)

    def _find(self, corruption: str, severity: int) -> Form | None:
        names = [f"{corruption}.npy", LABELS]
        cut = partial(_severity, len(self.classes), severity)
        for root in set_folders([self.name, self.folder])[:-1]:  # not all of DA_DATA
            files = [root / name for name in names]
            if all(file.is_file() for file in files):
                return Form(files, partial(_read_mapped, cut, files))
        folder = Kind([f"{self.folder}/{name}" for name in names], partial(_read_mapped, cut))
        packed = Kind([f"{self.folder}.tar"], lambda f: cut(f, _unpack(f[0], names)))
        return find_form([self.name], [folder, packed])


def _read_mapped(cut: Callable[..., tuple[Half]], files: Sequence[Path]) -> tuple[Half]:
    return cut(files, _map(files))


def _map(files: Sequence[Path]) -> list[np.ndarray]:
    """Open arrays of files, of which parts are read when they are used.

    Raises:
        ValueError: If one is no array.
    """
    try:
        return [np.load(file, mmap_mode="r", allow_pickle=False) for file in files]
    except (OSError, EOFError, ValueError) as error:
        raise ValueError(f"cannot read {files[0].parent}: {error}") from error


def _unpack(archive: Path, names: Sequence[str]) -> list[np.ndarray]:
    """Read arrays out of an archive, which stays packed."""
    data = read_members(archive, names)
    return [np.load(io.BytesIO(each), allow_pickle=False) for each in data]


def _severity(
    classes: int, severity: int, files: Sequence[Path], arrays: Sequence[np.ndarray]
) -> tuple[Half]:
    """Cut the rows of one severity, of which there are five, one after the other.

    Args:
        classes: Number of classes.
        severity: From 1 to 5.
        files: Where the arrays come from, for messages.
        arrays: Images and classes.

    Raises:
        ValueError: If the arrays have other shapes.
    """
    x, y = arrays
    if x.ndim != 4 or x.shape[1:] != (32, 32, 3) or len(x) != len(y) or len(x) % len(SEVERITIES):
        raise ValueError(f"{files[0]} has {x.shape} images and {y.shape} classes")
    if not 0 <= y.min() <= y.max() < classes:
        raise ValueError(f"{files[-1]} has classes up to {y.max()}, known: {classes} classes")
    count = len(x) // len(SEVERITIES)
    rows = slice((severity - 1) * count, severity * count)
    return ((np.array(x[rows]), np.array(y[rows], np.int64)),)


def _divide(halves: Sequence[Half]) -> Rows:
    """Return the rows for each role: all images are shown, and tested on, in their order."""
    y = halves[0][1]
    return splits.divide_transductive([str(i) for i in range(len(y))], y)
