"""Your own images by list files, one for each domain: a path and a label in a line.

A task is written `list:PATH/SOURCE.txt-PATH/TARGET.txt`. Images come from your disk, of two classes
or more; their number is up to you. A file that ends in `.csv` has a header with the columns `path`
and `label`, and may have others, which can be label columns. Paths are absolute, or relative to the
folder of the list or to `DA_DATA`.

A label is a word, or a number. Numbers have their names from the lines of `classes.txt` next to the
list, else from the folders of the images where each number has a folder of its own. A target may
have paths alone, and `+unlabelled` after a task does not look at its labels. Images have the roles
that they have in tasks of `folder`.
"""

import csv
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from da.config.choices import Fit
from da.config.validation import find_control, shorten_names
from da.data import paths
from da.data.datasets import _decoded, folder
from da.data.datasets._class_folders import Listing
from da.data.domain import Domain
from da.data.label_columns import Column
from da.data.reading import Reading

SYNTAX = "PATH/SOURCE.txt-PATH/TARGET.txt"
DOMAINS = ()
ANY_SIDE = True
SKIPS_BAD = True
FITS = True
LABEL_COLUMNS = ()

CLASS = "label"
"""Column of the class, where the run names no other."""

NAMES = "classes.txt"
"""File next to a list whose line N, counted from 0, is the name of class N."""


class Line(NamedTuple):
    """A line of a list."""

    number: int
    path: str
    label: str
    """Empty where the line has no label."""


def pair(names: str) -> tuple[str, str]:
    """Split `names` at the one '-' or ':' that has an existing file on both sides.

    Raises:
        ValueError: If there is no such place, or more than one.
    """
    return paths.split_paths(names, paths.find_file, "file", SYNTAX)


def open_domain(
    name: str,
    side: int = 0,
    *,
    skip_bad: bool = False,
    fit: Fit = "squash",
    columns: tuple[str, ...] = (),
) -> Domain:
    """Open the images that the file `name` lists, stored as those of `folder` are.

    Args:
        name: Path of the list.
        side: Width of network input in pixels; 0 for the usual one.
        skip_bad: Whether to leave out images that cannot be decoded.
        fit: How images that are no squares become squares.
        columns: Columns of labels, the first as the class; empty for `label`.

    Raises:
        ValueError: If a line has no image or no label, or if images cannot be decoded.
    """
    images = read_list(paths.require_file(name), columns=columns)
    return _load(images, Reading(side, skip_bad, fit))


def open_unlabeled(
    name: str,
    side: int = 0,
    *,
    skip_bad: bool = False,
    fit: Fit = "squash",
    columns: tuple[str, ...] = (),
) -> Domain:
    """Open the images that the file `name` lists, without labels that it may give.

    Arguments and errors are those of `open_domain`.
    """
    return _load(read_list(paths.require_file(name), labeled=False), Reading(side, skip_bad, fit))


def check_images(name: str) -> None:
    """Look at the first bytes of each image that the file `name` lists, without decoding any.

    Raises:
        BadImagesError: If some cannot be decoded.
        ValueError: As for `open_domain`.
    """
    _decoded.check_listed(read_list(paths.require_file(name)))


def _load(images: Listing, read: Reading) -> Domain:
    return _decoded.load_decoded("list", images, read, divide=folder.divide)


def read_list(file: Path, *, labeled: bool = True, columns: tuple[str, ...] = ()) -> Listing:
    """Read a list of images; those that are listed twice with one label count once.

    Args:
        file: The list.
        labeled: Whether labels are looked at.
        columns: Columns of labels in a CSV, the first as the class; empty for `label`.

    Raises:
        ValueError: If a line has no image or no label, or an image has two labels.
    """
    first, *further = columns or (CLASS,)
    lines = [*_lines(file, first)]
    if not lines:
        raise ValueError(f"{file} lists no image")
    labels = _label_files(file, lines)
    files, given = [*labels], [*labels.values()]
    notes = [f"left out: {n} repeated lines"] if (n := len(lines) - len(files)) else []
    root = Path(os.path.commonpath([image.parent for image in files]))
    if labeled and any(given):
        classes, y = _number(file, files, given, first)
    else:
        notes.append(f"{len(files)} images without labels")
        classes, y = (), np.full(len(files), -1)
    told = tuple(f"{file}: {note}" for note in notes)
    about = hashlib.sha256(json.dumps([classes, y.tolist()]).encode()).hexdigest()
    others = tuple(_column(file, name) for name in further) if labeled else ()
    return Listing(root, files, y, classes, np.zeros_like(y), told, f" {about}", others)


def _column(file: Path, name: str) -> Column:
    """Read a further column of labels, of the same images in the same order."""
    labels = _label_files(file, [*_lines(file, name)])
    files, given = [*labels], [*labels.values()]
    if not any(given):
        return Column(name, (), torch.full((len(files),), -1))
    classes, y = _number(file, files, given, name)
    return Column(name, classes, torch.from_numpy(y))


def _lines(file: Path, column: str = CLASS) -> Iterator[Line]:
    """Yield the lines of a list that are not empty, with the labels of a column.

    Raises:
        ValueError: If the file cannot be read, or has no such column.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the list {file}: {error}") from error
    if file.suffix.lower() == ".csv":
        yield from _csv_lines(file, text, column)
        return
    if column != CLASS:
        raise ValueError(f"{file} has no label column {column!r}: a CSV with a header has columns")
    for number, line in enumerate(text.splitlines(), 1):
        if line := line.strip():
            path, _, label = line.rpartition(" ") if " " in line else line.rpartition("\t")
            whole = not path or _find(file, line) is not None
            yield Line(number, line if whole else path.strip(), "" if whole else label)


def _csv_lines(file: Path, text: str, column: str) -> Iterator[Line]:
    table = csv.DictReader(text.splitlines())
    heads = table.fieldnames or ()
    if "path" not in heads:
        raise ValueError(f"{file} has the columns {shorten_names(heads)}, known: path and label")
    labels = [head for head in heads if head != "path"]
    if column != CLASS and column not in labels:
        known = shorten_names(labels) if labels else "path alone"
        raise ValueError(f"{file} has no label column {column!r}, known: {known}")
    for row in table:
        if path := (row["path"] or "").strip():
            yield Line(table.line_num, path, (row.get(column) or "").strip())


def _find(file: Path, path: str) -> Path | None:
    """Return the image at `path`, relative to the list or to `DA_DATA` if it is not absolute."""
    own, data = file.parent / os.path.expanduser(path), paths.data_folder()
    places = [own, data / path] if data else [own]
    return next((Path(os.path.normpath(p)) for p in places if p.is_file()), None)


def _label_files(file: Path, lines: list[Line]) -> dict[Path, str]:
    """Return the label of each image.

    Raises:
        ValueError: If an image does not exist or has two labels, or some lines have no label.
    """
    found: dict[Path, str] = {}
    missing = [line for line in lines if _find(file, line.path) is None]
    if missing:
        more = f", and {len(missing) - 1} more of {len(lines)}" if missing[1:] else ""
        raise ValueError(f"{file}, line {missing[0].number}: no image {missing[0].path!r}{more}")
    labeled = any(line.label for line in lines)
    for line in lines:
        image = _find(file, line.path)
        assert image
        if labeled and not line.label:
            raise ValueError(f"{file}, line {line.number}: no label after {line.path!r}")
        if found.setdefault(image, line.label) != line.label:
            raise ValueError(f"{file}, line {line.number}: {line.path!r} has a second label")
    return found


def _number(
    file: Path, files: list[Path], labels: list[str], column: str = CLASS
) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the names of the classes, and the class of each image.

    Numbers of a column other than `label` are their own names.

    Raises:
        ValueError: If there is one class alone, or a name is missing, double or no line of text.
    """
    by_number = all(label.isdecimal() for label in labels)
    every = sorted({*labels}, key=int) if by_number else sorted({*labels})
    has_names = by_number and column == CLASS
    names = _name_numbers(file, files, labels, every) if has_names else every
    if len(names) < 2:
        raise ValueError(f"{file} has one class only, {names[0]!r}: two are needed")
    for name in names:
        if control := find_control(name):
            raise ValueError(f"{file} has a class with the character {control!r} in its name")
    if len({*names}) < len(names):
        raise ValueError(f"{file}: two classes have one name, of {shorten_names(names)}")
    order = {label: i for i, label in enumerate(every)}
    return tuple(names), np.array([order[label] for label in labels])


def _name_numbers(file: Path, files: list[Path], labels: list[str], every: list[str]) -> list[str]:
    """Name numbered classes: by `classes.txt`, else by folders, else by their numbers."""
    if (named := file.parent / NAMES).is_file():
        names = [line.strip() for line in named.read_text(encoding="utf-8-sig").splitlines()]
        if int(every[-1]) >= len(names):
            raise ValueError(f"{named} has {len(names)} names, {file} has the label {every[-1]}")
        return [names[int(label)] for label in every]
    pairs = {*zip(labels, (image.parent.name for image in files), strict=True)}
    folders = dict(pairs)
    if len(pairs) == len(every) == len({*folders.values()}):
        return [folders[label] for label in every]
    return every
