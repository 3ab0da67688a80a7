"""Published data sets of image files, wherever and however they were unpacked.

Classes are known by the names of their folders, and never by the numbers of a list. Where lists of
files say which images are for training and for tests, these give the roles.
"""

import hashlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from jaxtyping import Int

from da.config.choices import Fit
from da.config.validation import plain_name, shorten_names
from da.data import splits
from da.data.class_lists import class_names, published_counts
from da.data.datasets import _find_published as find
from da.data.datasets._class_folders import Listing, subfolders
from da.data.datasets._decoded import Rows, check_listed, load_decoded
from da.data.datasets._fetch import Origin
from da.data.domain import PARTS, Domain
from da.data.image_files import find_images
from da.data.reading import Reading
from da.system import archives
from da.system.remote_files import RemoteFile

SPLITS = "train", "test"
"""Parts into which lists divide a domain."""

PUBLISHED, UNKNOWN = "as published", "with all classes; no published numbers to compare with"
"""What is said of a domain without differences."""

SQUARE = 224
"""Pixels a side of images that are published as a network takes them."""

_Found = tuple[list[Path], Int[np.ndarray, "n"], Int[np.ndarray, "n"]]
"""Images, and the class and the set of each."""


@dataclass(frozen=True)
class Published:
    """What is known of a published data set of image files."""

    title: str
    """Its name as papers write it."""
    folders: tuple[str, ...]
    """Names that its folder has in circulation."""
    domains: Mapping[str, tuple[str, ...]]
    """Names that the folder of each domain has in circulation."""
    get: str
    """Where it comes from, for the error where it is not here."""
    versions: tuple[str, ...] = ()
    """Its files of classes and published numbers of images, the usual version first."""
    classes: tuple[str, ...] = ()
    """Names of the classes in their usual order, where there is no such file."""
    totals: Mapping[str, int] = field(default_factory=dict)
    """Published number of images of each domain, where there is no such file."""
    spellings: Mapping[str, str] = field(default_factory=dict)
    """Other names that folders of classes have, and the class of each."""
    lists: str = ""
    """Names of its lists, as `{domain}_{split}.txt`; empty where every image has every role."""
    squares: Container[str] = ()
    """Domains whose images are published with `SQUARE` pixels a side, and are not resized."""
    files: tuple[RemoteFile, ...] = ()
    """The archives and lists that it comes as."""
    license: str = "that of its authors: read it on their page first"
    """Terms of its authors, in a line."""

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self.classes or class_names(self.versions[0])

    @property
    def titles(self) -> tuple[str, ...]:
        """Names that its folder may have."""
        return self.title, *self.folders

    @property
    def origin(self) -> Origin:
        """Where its files come from."""
        return Origin(self.folders[0], self.license, self.files, self.titles)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The class of each folder's name, without marks and case."""
        found = {plain_name(name): i for i, name in enumerate(self.names)}
        return found | {plain_name(k): found[plain_name(v)] for k, v in self.spellings.items()}

    def open_domain(
        self, name: str, side: int = 0, *, skip_bad: bool = False, fit: Fit = "squash"
    ) -> Domain:
        """Open a domain, which is decoded at the first call and after a change.

        Args:
            name: One of `domains`.
            side: Width of network input in pixels; 0 for the usual one.
            skip_bad: Whether to leave out images that cannot be decoded.
            fit: How images that are no squares become squares.

        Raises:
            ValueError: If the data set, a class or a list is not here, or images cannot be decoded.
        """
        exact = SQUARE if name in self.squares and side <= SQUARE else 0
        read, images = Reading(side, skip_bad, fit, exact=exact), self.list_images(name)
        return load_decoded(self.folders[0], images, read, divide=self._divide)

    def check_images(self, name: str) -> None:
        """Look at the first bytes of each image of a domain, without decoding any."""
        check_listed(self.list_images(name))

    def list_images(self, name: str) -> Listing:
        """List the images of a domain.

        Raises:
            ValueError: If the domain, a class or a list is not here.
        """
        place = self._find(name)
        files, y, sets = self._from_lists(name, place) if self.lists else self._from_folders(place)
        extra = [p.name for p in subfolders(place) if plain_name(p.name) not in self.numbers]
        notes = [f"left out: {shorten_names(extra)}"] if extra else []
        notes += self._differences(name, y, sets)
        told = tuple(f"{name}: {line}" for line in notes)
        about = " published" + (hashlib.sha256(sets.data).hexdigest() if self.lists else "")
        return Listing(place, files, y, self.names, sets, told, about)

    def check(self) -> Iterator[str]:
        """Give a line on each archive and domain, and where it differs from what is published."""
        yield from self.origin.check()
        for name in self.domains:
            head = f"{self.folders[0]}:{name}: "
            try:
                images = self.list_images(name)
            except ValueError as error:
                yield f"{head}{error}"
                continue
            lost = [file.name for file in images.files if self.lists and not file.is_file()]
            told = [f"{len(lost)} are not there: {shorten_names(lost)}"] if lost else []
            notes = "; ".join((*told, *(note.removeprefix(f"{name}: ") for note in images.notes)))
            where = f"{len(images.files)} images in {images.root}"
            yield f"{head}{where}; {notes or (PUBLISHED if self._is_known(name) else UNKNOWN)}"

    def fetch(self) -> Iterator[str]:
        """Fetch what is missing, and give a line on the license and on each file.

        Raises:
            ValueError: If a file cannot be fetched.
        """
        yield from self.origin.fetch(self._missing())

    def _missing(self) -> list[str]:
        return [name for name in self.domains if not self._place(name)]

    def _place(self, name: str) -> Path | None:
        own = [f.name for f in self.files if name in (f.domains or (name,))]
        packed = [archives.base_name(file) or self.title for file in own]
        return find.find_domain(self.titles, packed, self.domains[name], self.numbers)

    def _find(self, name: str) -> Path:
        if (place := self._place(name)) is None:
            raise self._absent(find.explain(self.domains[name]))
        return place

    def _absent(self, why: str) -> ValueError:
        """Return the error of a domain that is not here."""
        return ValueError(
            f"{self.title} is not here: {why}. {self.get} Unpack it to a folder "
            f"{self.folders[0]}, and set DA_DATA to the folder that holds it"
        )

    def _from_folders(self, place: Path) -> _Found:
        """List the images of all class folders.

        Raises:
            ValueError: If a class has no folder, or no image in it.
        """
        known = {self.numbers.get(plain_name(p.name)): p for p in subfolders(place)}
        every = range(len(self.names))
        if missing := [self.names[i] for i in every if i not in known]:
            raise ValueError(f"{place} lacks the classes {shorten_names(missing)} of {self.title}")
        images = find_images([known[i] for i in every]).images
        if empty := [self.names[i] for i in every if not images[i]]:
            raise ValueError(f"{place} has no image of {shorten_names(empty)}")
        y = np.repeat(every, [len(some) for some in images])
        return [file for some in images for file in some], y, np.zeros_like(y)

    def _from_lists(self, name: str, place: Path) -> _Found:
        """List the images that the lists of a domain name; each list is a set.

        Raises:
            ValueError: If a list is not here.
        """
        found: list[tuple[Path, int, int]] = []
        for number, split in enumerate(SPLITS):
            listed = [self.lists.format(domain=each, split=split) for each in self.domains[name]]
            if (file := find.find_list(place, listed, self.titles)) is None:
                raise ValueError(f"no list {listed[0]} of {self.title} near {place}. {self.get}")
            before = len(found)
            for image in find.read_list(file):
                label = self.numbers.get(plain_name(image.parent.name))
                if label is not None:
                    found.append((place / image.parent.name / image.name, label, number))
            if len(found) == before:
                known = f"{name}/{self.names[0]}/NAME.jpg 0"
                raise ValueError(f"{file} has no line with a class of {self.title}, as {known}")
        y, sets = (np.array([each[i] for each in found], np.int64) for i in (1, 2))
        return [each[0] for each in found], y, sets

    def _is_known(self, name: str) -> bool:
        """Return whether all published numbers of images of a domain are known."""
        columns = [f"{name}_{split}" for split in SPLITS] if self.lists else [name]
        return name in self.totals or all(
            any(published_counts(version, column) for version in self.versions)
            for column in columns
        )

    def _differences(
        self, name: str, y: Int[np.ndarray, "n"], sets: Int[np.ndarray, "n"]
    ) -> list[str]:
        """Say where numbers of images are not those that are published."""
        split = {f"{name}_{split}": y[sets == i] for i, split in enumerate(SPLITS)}
        parts = split if self.lists else {name: y}
        told = [self._compare(column, some) for column, some in parts.items()]
        total = self.totals.get(name, len(y))
        told += [f"{len(y)} images, {total} are published"] if total != len(y) else []
        return [line for line in told if line]

    def _compare(self, column: str, y: Int[np.ndarray, "n"]) -> str:
        """Compare numbers of images with the published version that is most like them."""
        have = dict(zip(self.names, np.bincount(y, minlength=len(self.names)), strict=True))
        wrong = {
            version: [f"{c} {have[c]} of {n}" for c, n in counts.items() if have[c] != n]
            for version in self.versions
            if (counts := published_counts(version, column))
        }
        best = min(wrong, key=lambda version: len(wrong[version]), default="")
        if not best:
            return ""
        if not wrong[best]:
            return f"images of {best}" if best not in self.versions[:1] else ""
        where = f" in {column}" if self.lists else ""
        return f"other numbers of images than published{where}: {shorten_names(wrong[best])}"

    def _divide(self, images: Listing) -> Rows:
        """Return the rows for each role: by the lists, or all of the target shown and tested."""
        if not self.lists:
            return splits.divide_transductive(images.names, images.y)
        train, test = (np.flatnonzero(images.sets == i) for i in range(len(SPLITS)))
        return dict(zip(PARTS, (train, test, train, test), strict=True))
