"""Folders of images in which each subfolder is a class, and the ways in which they are misread."""

import os
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from da.config.validation import find_control, shorten_names
from da.data.image_files import find_images, is_hidden, is_image_name
from da.data.label_columns import Column

SPLITS = {
    "train": ("train", "training"),
    "val": ("val", "valid", "validation"),
    "test": ("test", "testing", "eval", "evaluation"),
}
"""Names that folders of training, validation and test images may have, in any case."""


class Listing(NamedTuple):
    """Image files under a folder, with the class of each."""

    root: Path
    files: list[Path]
    y: Int[np.ndarray, "n"]
    classes: tuple[str, ...]
    sets: Int[np.ndarray, "n"]
    """Which of several sets of images each file is in; 0 where there is one set."""
    notes: tuple[str, ...] = ()
    """What the user has to know of how the folder is read, one line each."""
    about: str = ""
    """What is known of the images other than by their paths, for the cache."""
    columns: tuple[Column, ...] = ()
    """Further columns of labels."""

    @property
    def names(self) -> list[str]:
        """The files' paths under the root, which are the same on every machine."""
        return [file.relative_to(self.root).as_posix() for file in self.files]

    def without(self, files: set[Path]) -> "Listing":
        """Leave some files out.

        Raises:
            ValueError: If a class has no image left in one of the sets.
        """
        if not files:
            return self
        stay = np.array([file not in files for file in self.files])
        if not stay.any():
            raise ValueError(f"no image in {self.root} is left")
        for c, s in {*zip(self.y, self.sets, strict=True)}:
            if self.classes and not (stay & (self.y == c) & (self.sets == s)).any():
                raise ValueError(f"no image of class {self.classes[c]!r} in {self.root} is left")
        kept = [file for file in self.files if file not in files]
        columns = tuple(replace(c, y=c.y[torch.from_numpy(stay)]) for c in self.columns)
        return self._replace(files=kept, y=self.y[stay], sets=self.sets[stay], columns=columns)


def split_name(folder: str) -> str:
    """Return the split that a folder's name stands for: train, val, test, or "" for none."""
    name = folder.casefold()
    return next((split for split, names in SPLITS.items() if name in names), "")


def subfolders(root: Path) -> list[Path]:
    """List the subfolders in the order of their names, without hidden ones.

    Raises:
        ValueError: If the folder cannot be read.
    """
    try:
        return sorted(p for p in root.iterdir() if not is_hidden(p.name) and p.is_dir())
    except OSError as error:
        raise ValueError(f"cannot read the folder {root}: {error.strerror}") from error


def class_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each class in `root`, by the class's name in Unicode's form NFC.

    Raises:
        ValueError: If there are no class folders, if two names differ by their form only, or if
            one is no line of text.
    """
    folders = subfolders(root)
    named = {unicodedata.normalize("NFC", folder.name): folder for folder in folders}
    if not named:
        raise ValueError(f"{root} has no class folders in it")
    if twice := {*folders} - {*named.values()}:
        raise ValueError(f"{root} has two folders {min(twice).name!r}: their names look the same")
    for name, folder in named.items():
        if control := find_control(name):
            raise ValueError(f"the class folder {folder} has a name with the character {control!r}")
    return dict(sorted(named.items()))


def list_classes(root: Path, sets: Sequence[Path] = ()) -> Listing:
    """List the images of each class in `root`, or in several sets of images under it.

    Args:
        root: Folder that holds them all.
        sets: Folders of class folders, each a set; none for `root` itself.

    Raises:
        ValueError: If a set has no class folders, has one only, or has one without images; if two
            sets have different classes; or if what is taken for a class cannot be one.
    """
    labels = {folder: class_folders(folder) for folder in sets or [root]}
    found = find_images([path for each in labels.values() for path in each.values()])
    images = iter(found.images)
    files = {folder: {c: next(images) for c in each} for folder, each in labels.items()}
    for folder, each in labels.items():
        _check_set(folder, [(path, files[folder][c]) for c, path in each.items()])
    first, *others = labels
    if len(labels[first]) < 2:
        only = next(iter(labels[first]))
        raise ValueError(f"{first} has one class only, {only!r}: two are needed")
    for other in others:
        _check_same(first, {*labels[first]}, other, {*labels[other]})
    notes = (*found.describe(), *_describe_strays(labels))
    return _number(root, files, tuple(f"{root}: {note}" for note in notes))


def list_unlabeled(root: Path) -> Listing:
    """List all images under `root` at any depth, as images without labels.

    Raises:
        ValueError: If there are none, or the folder cannot be read.
    """
    found = find_images([root])
    if not (files := found.images[0]):
        raise ValueError(f"the folder {root} has no image in it{found.describe_others()}")
    notes = [*found.describe(), f"{len(files)} images without labels"]
    none = np.full(len(files), -1)
    told = tuple(f"{root}: {note}" for note in notes)
    return Listing(root, files, none, (), np.zeros_like(none), told, " unlabeled")


def _number(
    root: Path, files: dict[Path, dict[str, list[Path]]], notes: tuple[str, ...]
) -> Listing:
    """Number the sets and the classes; `files` has the files of each class in each set."""
    rows = [
        (file, c, s)
        for s, each in enumerate(files.values())
        for c, label in enumerate(each)
        for file in each[label]
    ]
    y, sets = (np.array([row[i] for row in rows], np.int64) for i in (1, 2))
    classes = tuple(next(iter(files.values())))
    return Listing(root, [row[0] for row in rows], y, classes, sets, notes)


def _check_set(root: Path, classes: list[tuple[Path, list[Path]]]) -> None:
    """Refuse class folders without images, and such as cannot be classes."""
    for folder, files in classes:
        if not files:
            raise ValueError(_explain_empty(folder))
    if any(_first_part(folder, file) == file.name for folder, files in classes for file in files):
        return
    inner = [{_first_part(folder, file) for file in files} for folder, files in classes]
    if len(inner) > 1 and len(inner[0]) > 1 and all(some == inner[0] for some in inner):
        folders = shorten_names(folder.name for folder, _ in classes)
        raise ValueError(
            f"{root}: its folders {folders} all hold the same folders, {shorten_names(inner[0])}; "
            f"if these are the classes, name one of the former, as in {classes[0][0]}"
        )


def _first_part(folder: Path, file: Path) -> str:
    """Return the first part of a file's path under a folder."""
    return str(file)[len(str(folder)) + 1 :].partition(os.sep)[0]


def _explain_empty(folder: Path) -> str:
    there = find_images([folder])
    only = ": all are links to images of other folders" if there.images[0] else ""
    return f"the class folder {folder} has no image in it{only or there.describe_others()}"


def _describe_strays(folders: Iterable[Path]) -> list[str]:
    """Describe the images that are in no class folder."""
    strays = {folder: len(_own_images(folder)) for folder in folders}
    return [f"left out: {n} images of no class in {f.name}" for f, n in strays.items() if n]


def has_images(folder: Path) -> bool:
    """Return whether a folder itself holds images, other than in its subfolders."""
    return bool(_own_images(folder))


def _own_images(folder: Path) -> list[Path]:
    shown = (p for p in folder.iterdir() if is_image_name(p.name) and not is_hidden(p.name))
    return [path for path in shown if path.is_file()]


def _check_same(first: Path, known: set[str], other: Path, labels: set[str]) -> None:
    for here, one, there, more in ((other, labels, first, known), (first, known, other, labels)):
        if more - one:
            raise ValueError(f"{here} lacks the class {min(more - one)!r}, which {there} has")
