"""Finding image files in folders, and noticing that they changed. Does not load torch."""

import hashlib
import os
import stat
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

from da.config.validation import shorten_names
from da.data.decode import NO_IMAGES, VERSION

SUFFIXES = {
    *(".apng", ".avif", ".avifs", ".blp", ".bmp", ".bw", ".cur", ".dcx", ".dds", ".dib", ".ftc"),
    *(".ftu", ".gbr", ".gif", ".icb", ".icns", ".ico", ".im", ".j2c", ".j2k", ".jfif", ".jp2"),
    *(".jpc", ".jpe", ".jpeg", ".jpf", ".jpg", ".jpx", ".mpo", ".msp", ".pbm", ".pcx", ".pfm"),
    *(".pgm", ".png", ".pnm", ".ppm", ".psd", ".pxr", ".qoi", ".ras", ".rgb", ".rgba", ".sgi"),
    *(".tga", ".tif", ".tiff", ".vda", ".vst", ".webp", ".xbm", ".xpm"),
}
"""Endings of image files that Pillow opens, in lower case; its plugins may add others."""

LEFT_BY_SYSTEMS = {"__MACOSX", "@eaDir"}
"""Folders that unpacked archives and network drives hold next to the images."""

BEGIN = 2**16
"""Bytes at the beginning of a file that tell it from others of the same size."""

_Place = tuple[int, int]
"""Device and number of a file, which are the same for all links to it."""


def is_hidden(name: str) -> bool:
    """Return whether a file or folder of this name is not the user's own."""
    return name[0] == "." or name in LEFT_BY_SYSTEMS


def is_image_name(name: str) -> bool:
    """Return whether a name has the ending of an image."""
    suffix = os.path.splitext(name)[1].lower()
    if suffix in SUFFIXES:
        return True
    format = Image.EXTENSION.get(suffix)
    return format in Image.OPEN and format not in NO_IMAGES


@dataclass
class Search:
    """Image files in several folders, and what else is there."""

    images: list[list[Path]]
    """Images at any depth in each folder, in the order of their paths."""
    others: Counter[str] = field(default_factory=Counter)
    """Number of files that are no images, by their endings."""
    again: int = 0
    """Number of links, hard or symbolic, to images that are found elsewhere."""
    loops: list[str] = field(default_factory=list)
    """Links to folders that are searched elsewhere."""

    def describe(self) -> list[str]:
        """Describe what is left out: one line for each kind."""
        said = []
        if self.others:
            said.append(f"left out: {self._count_others()}")
        if self.loops:
            said.append(
                f"left out links to folders of the same images: {shorten_names(self.loops)}"
            )
        if self.again:
            said.append(f"left out: {self.again} links to images that count already")
        return said

    def describe_others(self) -> str:
        """Describe what a folder without images holds, as the end of a sentence."""
        return f", only {self._count_others()}" if self.others else ""

    def _count_others(self) -> str:
        return ", ".join(f"{n} {suffix}" for suffix, n in sorted(self.others.items()))


def find_images(folders: Sequence[Path]) -> Search:
    """Find the images at any depth under each of some folders, every image once.

    Hidden files and folders are left out. Links are followed. Each folder is searched once, and of
    several links to a file one is taken: the file itself, where it is under the folders.

    Raises:
        ValueError: If a folder cannot be read.
    """
    return _Walk(folders).search()


class _Walk:
    """A search of folders: first what is really there, then what links lead to."""

    def __init__(self, folders: Sequence[Path]):
        self.found = Search([[] for _ in folders])
        self.seen: set[_Place] = set()
        self.folders = deque(enumerate(map(os.fspath, folders)))
        self.linked_folders: deque[tuple[int, str]] = deque()
        self.linked_files: list[tuple[int, os.DirEntry[str]]] = []

    def search(self) -> Search:
        while queue := self.folders or self.linked_folders:
            number, path = queue.popleft()
            self._enter(number, path)
        for number, entry in self.linked_files:
            self._take(number, entry)
        for images in self.found.images:
            images.sort()
        return self.found

    def _enter(self, number: int, path: str) -> None:
        try:
            about = os.stat(path)
            place = about.st_dev, about.st_ino
            if place in self.seen:
                self.found.loops.append(path)
                return
            self.seen.add(place)
            with os.scandir(path) as entries:
                shown = sorted((e for e in entries if not is_hidden(e.name)), key=_name)
        except OSError as error:
            raise ValueError(
                f"cannot read the folder {error.filename}: {error.strerror}"
            ) from error
        for entry in shown:
            self._sort(number, entry)

    def _sort(self, number: int, entry: os.DirEntry[str]) -> None:
        """Put a file or folder where it belongs: taken, counted, or kept for later."""
        if _is_folder(entry):
            later = self.linked_folders if entry.is_symlink() else self.folders
            later.append((number, entry.path))
        elif not is_image_name(entry.name):
            self.found.others[os.path.splitext(entry.name)[1].lower() or "without an ending"] += 1
        elif entry.is_symlink():
            self.linked_files.append((number, entry))
        else:
            self._take(number, entry)

    def _take(self, number: int, entry: os.DirEntry[str]) -> None:
        """Take an image unless it is there already; a link that is broken is taken too."""
        try:
            about = entry.stat()
        except OSError:
            self.found.images[number].append(Path(entry.path))
            return
        place = about.st_dev, about.st_ino
        if not stat.S_ISREG(about.st_mode):
            self.found.others["special files"] += 1
        elif place in self.seen:
            self.found.again += 1
        else:
            self.seen.add(place)
            self.found.images[number].append(Path(entry.path))


def _name(entry: os.DirEntry[str]) -> str:
    return entry.name


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def cache_key(root: Path, files: list[Path], side: int, about: str = "") -> str:
    """Make a key for the cache that changes when the images may have changed.

    It depends on the root, on the side, on the rules of decoding, on each file's name, size and
    time of change, and on what the first file of each folder begins with: folders that change
    places keep the rest, where all images have one size.

    Args:
        root: Folder that holds the files.
        files: The files that are decoded.
        side: Width of the stored images, in pixels.
        about: What else is stored and may change, such as labels that a list gives.
    """
    told, start = [f"{root} {side} {VERSION}{about}"], len(str(root)) + 1
    for file in map(os.fspath, files):
        try:
            stat = os.stat(file)
            told.append(f"{file[start:]} {stat.st_size} {stat.st_mtime_ns}")
        except OSError as error:
            told.append(f"{file[start:]} {error.strerror}")
    told += map(_digest_begin, {file.parent: file for file in reversed(files)}.values())
    return hashlib.sha256(os.fsencode("\n".join(told))).hexdigest()[:24]


def _digest_begin(file: Path) -> str:
    try:
        with file.open("rb", buffering=0) as opened:
            return hashlib.sha256(opened.read(BEGIN)).hexdigest()
    except OSError as error:
        return f"{error.strerror}"
