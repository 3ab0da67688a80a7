"""Published data sets of which some domains are flat folders, with classes in a list alone.

A line of such a list is a path and the number of a class, in the order in which the data set has
its classes. Where somebody sorted the images into folders of classes, these count.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np

from da.config.validation import plain_name
from da.data.datasets import _archives as packed
from da.data.datasets import _find_published as find
from da.data.datasets._class_folders import Listing
from da.data.datasets._published import Published

LISTS = "", "image_list", "list"
"""Folders of lists, in that of a domain or next to it."""


@dataclass(frozen=True)
class Numbered(Published):
    """What is known of a published data set with such domains."""

    numbered: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Names that the list of each such domain has in circulation."""

    def list_images(self, name: str) -> Listing:
        """List the images of a domain.

        Raises:
            ValueError: If the domain, a class or an image is not here.
        """
        if name not in self.numbered or self._place(name):
            return super().list_images(name)
        place, file = self._find_list(name)
        files, y = self._read(place, file)
        sets = np.zeros_like(y)
        notes = tuple(f"{name}: {line}" for line in self._differences(name, y, sets))
        about = f" numbered {hashlib.sha256(y.data).hexdigest()}"
        return Listing(place, files, y, self.names, sets, notes, about)

    def _find_list(self, name: str) -> tuple[Path, Path]:
        """Return the folder of a domain, and its list."""
        wanted = {*map(plain_name, self.domains[name])}
        roots = find.set_folders(self.titles)
        tops = [*roots, *(root / each for root in roots for each in self.domains[name])]
        lists = _lists_in(tops, self.numbered[name])
        for root in chain(roots, self._unpacked(roots, wanted, lists)):
            for place in (p for p in find.walk(root) if plain_name(p.name) in wanted):
                near = _lists_in([place, place.parent], self.numbered[name])
                if file := next((each for each in near + lists if _is_of(each, place)), None):
                    return place, file
        why, names = find.explain(self.domains[name]), ", ".join(self.numbered[name])
        raise self._absent(f"{why}, nor images near a list {names}" if roots else why)

    def _unpacked(
        self, roots: Sequence[Path], domain: set[str], lists: Sequence[Path]
    ) -> Iterator[Path]:
        """Unpack what has the name of the data set, or that of the domain and listed images."""
        yield from packed.unpack_named(roots, self.titles)
        listed = {
            packed.last_two(line.rpartition(" ")[0])
            for file in lists
            for line in find.read_lines(file)
        }
        yield from packed.unpack_listed(roots, domain, listed)

    def _read(self, place: Path, file: Path) -> tuple[list[Path], np.ndarray]:
        """Return the images in a list, and the class of each.

        Raises:
            ValueError: If a line has no class, or its image is not there.
        """
        files, y = [], []
        for number, line in enumerate(find.read_lines(file), 1):
            path, _, label = line.rpartition(" ")
            if not label.isdecimal() or int(label) >= len(self.names):
                known = f"a path and a number below {len(self.names)}"
                raise ValueError(f"{file}, line {number}: {line!r}, known: {known}")
            if (image := _find_image(place, path)) is None:
                raise ValueError(f"{file}, line {number}: no image {path!r} in {place}")
            files.append(image)
            y.append(int(label))
        return files, np.array(y, np.int64)


def _is_of(file: Path, place: Path) -> bool:
    """Return whether the first image of a list is in a folder."""
    first = next(islice(find.read_lines(file), 1), "")
    return bool(first) and _find_image(place, first.rpartition(" ")[0]) is not None


def _lists_in(tops: Sequence[Path], names: Sequence[str]) -> list[Path]:
    places = (top / folder / name for top in tops for folder in LISTS for name in names)
    return [file for file in places if file.is_file()]


def _find_image(place: Path, path: str) -> Path | None:
    """Return an image by its path in a list, of which the end counts."""
    parts = Path(path.strip()).parts
    ends = [Path(*parts[-count:]) for count in (2, 1) if len(parts) >= count]
    return next((place / end for end in ends if (place / end).is_file()), None)
