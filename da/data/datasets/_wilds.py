"""Data sets of WILDS as its package unpacks them: a table of images, and the official splits.

A domain is a split. Those that differ from the training images in time or place, such as `test`,
are seen without labels and tested on. `train` is tested on `id_test`, or on `id_val` where there is
no such split, and so is source accuracy on `id_val`. A split `..._unlabeled` has no labels at all;
its tests are on another one, as in `--test test`.
"""

import csv
import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

import numpy as np
import torch

from da.config.choices import Fit
from da.config.validation import shorten_names
from da.data import paths, splits
from da.data.datasets._class_folders import Listing, subfolders
from da.data.datasets._decoded import Rows, check_listed, load_decoded
from da.data.datasets._fetch import Origin
from da.data.domain import PARTS, Domain
from da.data.label_columns import Column
from da.data.reading import Reading
from da.system import archives
from da.system.remote_files import RemoteFile

Line = Mapping[str, str]
"""An image in the table: columns by their names."""

OWN = "train", "id_val", "id_test"
"""Splits of the places and times of the training images, of which `train` takes all."""


@dataclass(frozen=True)
class Table:
    """A folder with a table of images."""

    folder: str
    """Name of the folder, which the version ends."""
    file: str
    """Name of the table in it."""
    split: Callable[[Line], str]
    """Function of a line to its split, or "" for none."""
    image: Callable[[int, Line], str]
    """Function of a line's number, from 0, and the line to the image's path in the folder."""
    label: Callable[[Line], str]
    """Function of a line to its class."""
    origin: RemoteFile
    """Archive that is unpacked to the folder."""

    def find(self) -> Path | None:
        """Return the folder under `DA_DATA`, or in a folder there, or None.

        Without it the archive there is unpacked.
        """
        if not (data := paths.data_folder()):
            return None
        tops = (data, *subfolders(data))
        packed = (top / self.origin.name for top in tops)
        unpacked = (archives.unpack(file) for file in packed if file.is_file())
        inside = (top / self.folder for each in unpacked for top in (each, each / self.folder))
        other_case = (place for top in tops for place in subfolders(top))
        places = chain([data], (top / self.folder for top in tops), other_case, inside)
        found = (place for place in places if place.name.lower() == self.folder.lower())
        return next((place for place in found if (place / self.file).is_file()), None)


@dataclass(frozen=True)
class Wilds:
    """What is known of a data set of WILDS."""

    title: str
    """Its name as papers write it."""
    name: str
    """Name of the module."""
    tables: Mapping[str, Table]
    """Table of each split."""
    license: str
    """Terms of its authors, in a line."""
    classes: tuple[str, ...] = ()
    """Names of the classes; without, they are the labels in the first table."""
    spell: Callable[[Path], Mapping[str, str]] = field(default=lambda folder: {})
    """Function of the first table's folder to names of labels, where it has such."""
    group: str = ""
    """Column whose values belong to the groups that results are also given for, if any."""
    regions: Callable[[Path], Mapping[str, str]] = field(default=lambda folder: {})
    """Function of the table's folder to the group of each of these values."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Published number of images of splits."""

    def open_domain(
        self, name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash"
    ) -> Domain:
        """Open a split, which is decoded at the first call and after a change.

        Args:
            name: One of its splits.
            side: Width of network input in pixels; 0 for the usual one.
            skip_bad: Whether to leave out images that cannot be decoded.
            fit: How images that are no squares become squares.

        Raises:
            ValueError: If the data set is not here, or images cannot be decoded.
        """
        divide = _divide_own if name == "train" else _divide
        read = Reading(side, skip_bad, fit)
        domain = load_decoded(self.name, self.list_images(name), read, divide=divide)
        groups = domain.columns[0] if domain.columns else None
        return replace(domain, columns=(), groups=groups)

    @property
    def origin(self) -> Origin:
        """Where its archives come from."""
        files = dict.fromkeys(table.origin for table in self.tables.values())
        return Origin(self.name, self.license, (*files,))

    def check_images(self, name: str) -> None:
        """Look at the first bytes of each image of a split, without decoding any."""
        check_listed(self.list_images(name))

    def list_images(self, name: str) -> Listing:
        """List the images of a split; those of `train` have the other own splits as sets.

        Raises:
            ValueError: If the table is not here, or has no such images.
        """
        folder = self._folder(name)
        file = folder / self.tables[name].file
        try:
            return self._list(name, folder, read_table(file))
        except KeyError as error:
            raise ValueError(f"{file} has no column {error}") from error

    def _list(self, name: str, folder: Path, lines: list[Line]) -> Listing:
        table, own = self.tables[name], OWN if name == "train" else (name,)
        numbers = [i for i, line in enumerate(lines) if table.split(line) in own]
        chosen = [lines[i] for i in numbers]
        sets = np.array([own.index(table.split(line)) for line in chosen], np.int64)
        if not (sets == 0).any():
            raise ValueError(f"{folder / table.file} has no image of the split {name}")
        files = [folder / table.image(i, lines[i]) for i in numbers]
        classes, y = self._number(folder, lines, chosen, name)
        about = hashlib.sha256(repr((classes, y.tolist(), sets.tolist())).encode()).hexdigest()
        notes, columns = self._notes(name, sets), self._group(folder, chosen)
        return Listing(folder, files, y, classes, sets, notes, f" wilds {about}", columns)

    def check(self) -> Iterator[str]:
        """Give a line on each split: its images, and where they differ from what is published."""
        for name in self.tables:
            head = f"{self.name}:{name}: "
            try:
                images = self.list_images(name)
                missing = [file.name for file in images.files if not file.is_file()]
            except ValueError as error:
                yield f"{head}{error}"
                continue
            lost = f"; {len(missing)} are not there: {shorten_names(missing)}" if missing else ""
            told = "".join(f"; {note.removeprefix(f'{name}: ')}" for note in images.notes)
            count = int((images.sets == 0).sum())
            yield f"{head}{count} images in {images.root}{lost}{told}"

    def fetch(self) -> Iterator[str]:
        """Fetch the archives that are missing, and give a line on the license and on each file.

        Raises:
            ValueError: If a file cannot be fetched.
        """
        labeled = {name: t for name, t in self.tables.items() if not name.endswith("_unlabeled")}
        yield from self.origin.fetch([name for name, t in labeled.items() if not t.find()])

    def _folder(self, name: str) -> Path:
        table = self.tables[name]
        if found := table.find():
            return found
        data = paths.data_folder()
        where = f"under {data} no folder {table.folder} has {table.file}" if data else NOWHERE
        raise ValueError(
            f"{self.title} is not here: {where}. It comes from {table.origin.origin}: unpack it to "
            f"a folder {table.folder}, and set DA_DATA to the folder that holds it"
        )

    def _number(
        self, folder: Path, lines: list[Line], chosen: list[Line], name: str
    ) -> tuple[tuple[str, ...], np.ndarray]:
        """Return the names of all classes, and the class of each image."""
        if name.endswith("_unlabeled"):
            return (), np.full(len(chosen), -1)
        label = self.tables[name].label
        if self.classes:
            known = {str(i): i for i in range(len(self.classes))}
            if wrong := {label(line) for line in chosen} - {*known}:
                raise ValueError(
                    f"{folder / self.tables[name].file} has the label {min(wrong)!r}, known: "
                    f"numbers below {len(known)}"
                )
            return self.classes, np.array([known[label(line)] for line in chosen], np.int64)
        labels, spelled = (
            sorted({label(line) for line in lines}, key=_by_number),
            self.spell(folder),
        )
        numbers = {each: i for i, each in enumerate(labels)}
        y = np.array([numbers[label(line)] for line in chosen], np.int64)
        return tuple(spelled.get(each, each) for each in labels), y

    def _group(self, folder: Path, chosen: list[Line]) -> tuple[Column, ...]:
        """Return the group of each image, or nothing where results are not given for groups."""
        if not self.group:
            return ()
        known = self.regions(folder)
        names = tuple(sorted({*known.values()}))
        place = {value: names.index(name) for value, name in known.items()}
        of = [place.get(line[self.group], -1) for line in chosen]
        return (Column(self.group, names, torch.tensor(of)),)

    def _notes(self, name: str, sets: np.ndarray) -> tuple[str, ...]:
        count, total = int((sets == 0).sum()), self.totals.get(name)
        wrong = total is not None and total != count
        return (f"{name}: {total} images are published",) if wrong else ()


NOWHERE = "DA_DATA is not set"


def _by_number(label: str) -> tuple[int, str]:
    return (int(label), "") if label.isdecimal() else (0, label)


def read_table(file: Path) -> list[Line]:
    """Read a table of images.

    Raises:
        ValueError: If it cannot be read.
    """
    try:
        with file.open(newline="", encoding="utf-8") as opened:
            lines: list[Line] = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"cannot read {file}: {error}") from error
    if short := [i for i, line in enumerate(lines, 2) if None in line.values()]:
        raise ValueError(f"{file} was cut off, or damaged: line {short[0]} has too few columns")
    return lines


def _divide(images: Listing) -> Rows:
    """Return the rows for each role: all are shown, and tested on."""
    return splits.divide_transductive(images.names, images.y)


def _divide_own(images: Listing) -> Rows:
    """Return the rows of the training split for each role, with tests of the same places."""
    train, validation, test = (np.flatnonzero(images.sets == i) for i in range(len(OWN)))
    if not len(validation):
        parts = splits.divide_transductive([images.names[i] for i in train], images.y[train])
        return {part: train[rows] for part, rows in parts.items()}
    tests = test if len(test) else validation
    return dict(zip(PARTS, (train, validation, train, tests), strict=True))
