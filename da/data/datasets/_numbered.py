"""Published data sets of which some domains are flat folders, with classes in a list alone.

A line of such a list is a path and the number of a class, in the order in which the data set has
its classes. Where somebody sorted the images into folders of classes, these count.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from da.config.validation import plain_name
from da.data.datasets import _find_published as find
from da.data.datasets._class_folders import Listing
from da.data.datasets._published import Published


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
        head = f"{self.folders[0]}:{name}: "
        sets = np.zeros_like(y)
        notes = tuple(f"{head}{line}" for line in self._differences(name, y, sets))
        about = f" numbered {hashlib.sha256(y.data).hexdigest()}"
        return Listing(place, files, y, self.names, sets, notes, about)

    def _find_list(self, name: str) -> tuple[Path, Path]:
        """Return the folder of a domain, and its list."""
        wanted = {*map(plain_name, self.domains[name])}
        for root in find.set_folders(self.titles):
            for place in (p for p in find.walk(root) if plain_name(p.name) in wanted):
                if file := _list_near(place, self.numbered[name]):
                    return place, file
        self._find(name)  # which explains what is missing
        raise AssertionError(name)

    def _read(self, place: Path, file: Path) -> tuple[list[Path], np.ndarray]:
        """Return the images in a list, and the class of each.

        Raises:
            ValueError: If a line has no class, or its image is not there.
        """
        files, y = [], []
        for number, line in enumerate(_lines(file), 1):
            path, _, label = line.rpartition(" ")
            if not label.isdecimal() or int(label) >= len(self.names):
                known = f"a path and a number below {len(self.names)}"
                raise ValueError(f"{file}, line {number}: {line!r}, known: {known}")
            if (image := _find_image(place, path)) is None:
                raise ValueError(f"{file}, line {number}: no image {path!r} in {place}")
            files.append(image)
            y.append(int(label))
        return files, np.array(y, np.int64)


def _list_near(place: Path, names: Sequence[str]) -> Path | None:
    """Return the list in a folder, or next to it, of which the first image is there."""
    tops = place, place.parent, place.parent / "image_list", place.parent / "list"
    for file in (top / name for top in tops for name in names):
        first = next(islice(_lines(file), 1), "") if file.is_file() else ""
        if first and _find_image(place, first.rpartition(" ")[0]):
            return file
    return None


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text(encoding="utf-8-sig").splitlines() if line.strip()]


def _find_image(place: Path, path: str) -> Path | None:
    """Return an image by its path in a list, of which the end counts."""
    parts = Path(path.strip()).parts
    ends = [Path(*parts[-count:]) for count in (2, 1) if len(parts) >= count]
    return next((place / end for end in ends if (place / end).is_file()), None)
