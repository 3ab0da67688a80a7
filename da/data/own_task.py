"""Tasks of a user's Python objects, read once and stored as the images of folders are."""

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from da.config.choices import OWN
from da.config.validation import shorten_names
from da.data import splits
from da.data.datasets._decoded import stored_side
from da.data.decode import VERSION
from da.data.domain import PARTS, Domain, keep_domain, load_domain, save_domain
from da.data.own_items import Items, open_items, to_label, to_stored
from da.system.array_files import write_array_head
from da.system.cache import cache_home, explain_write_errors, remove_unused
from da.system.temporary import part_path, remove, remove_abandoned

NAME = re.compile(r"\w+")
NO_LABEL = -1
"""Class of target images whose labels nobody knows."""


class OwnTask(str):
    """A task of your own Python objects: text that names it, wherever a task is named.

    The images are read once, here, and stored in the cache, squeezed to squares as those of
    `folder:` are. The name holds a digest of them: `python:mine.0123456789ab-0123456789ab`. With
    `+3shot` at its end, the task also gives 3 labeled target images of each class.

        task = da.Task(source=(photos, labels), target=sketches)
        record = da.train(da.Run(da.methods.DANN(), task))

    Args:
        source: Labeled images: a map-style Dataset of (image, label), a data set of Hugging Face,
            or a pair of arrays, tensors or lists. An image is a path, a picture of Pillow, an array
            or tensor of bytes, or one of numbers from 0 to 1, of any size. A row of numbers is a
            row of features.
        target: Images to adapt to, in the same forms, with labels or without. Labels are for tests
            alone; where `test` is given they are not read.
        test: Labeled target images to test on; None for `target` itself. Where neither has labels,
            records have no target accuracy.
        name: Name in tables: letters, digits and underscores.
        version: Text that stands for the content, in place of a digest. Data of the same name and
            version is not read again.
        classes: Names of the classes by number; empty for those of `source`, or its numbers.
        side: Largest width of network input, in pixels, that the images are stored for; 0 for 224.

    Raises:
        ValueError: Where the data cannot be understood; the message names it.
    """

    __slots__ = ()

    def __new__(
        cls,
        *,
        source: Any,
        target: Any,
        test: Any = None,
        name: str = "mine",
        version: str = "",
        classes: Sequence[str] = (),
        side: int = 0,
    ) -> "OwnTask":
        """Read the data, store it, and return the text that names it."""
        if not NAME.fullmatch(name):
            raise ValueError(f"the name of a task is letters, digits and _, not {name!r}")
        mine: list[_Part] = [(open_items(source, "source"), "source", True)]
        theirs: list[_Part] = [
            (open_items(target, "target"), "target", None if test is None else False)
        ]
        if test is not None:
            theirs.append((open_items(test, "test"), "test", True))
        key = json.dumps([name, version]) if version else ""
        first = _store(mine, tuple(classes), side, key)
        names = open_own(first).classes
        second = _store(theirs, names, side, key)
        return super().__new__(cls, f"{OWN}{name}.{first}-{second}")


def open_own(digits: str) -> Domain:
    """Open a domain that was stored when a task was built.

    Raises:
        ValueError: If it is not in the cache.
    """
    folder = _folder(digits)
    if not folder.exists():
        raise ValueError(
            f"the images of python: {digits} are not stored here: build their task again by da.Task"
        )
    return load_domain(folder)


def is_stored(digits: str) -> bool:
    """Return whether a domain is in the cache."""
    return _folder(digits).exists()


def _folder(digits: str) -> Path:
    key = hashlib.sha256(f"{digits} {VERSION}".encode()).hexdigest()[:24]
    return cache_home() / "python" / key


@dataclass(frozen=True)
class _Read:
    """What was read of some images, other than their pixels."""

    y: Int[np.ndarray, "n"]
    classes: tuple[str, ...]
    rows: dict[str, Int[np.ndarray, "_"]]


_Part = tuple[Items, str, bool | None]
"""Images, what they are, and whether their labels are read; None for where they have some."""


def _store(parts: list[_Part], classes: tuple[str, ...], side: int, key: str) -> str:
    """Read images, store them as a domain, and return the digits that name it.

    Args:
        parts: Images of the source, or of the target and its tests.
        classes: Names of the classes, if they are known.
        side: Width of network input, in pixels.
        key: Text that stands for their content; empty for a digest of it.
    """
    counts = [(what, items.count) for items, what, _ in parts]
    about = json.dumps([VERSION, key, counts, classes, stored_side(side)])
    if key and is_stored(digits := _digits(about)):
        return digits
    with _reading_folder() as made:
        pixels, read = _read(parts, classes, stored_side(side), made / "x.npy")
        rows = [read.y, *read.rows.values()]
        content = [pixels, read.classes, [hashlib.sha256(row.data).hexdigest() for row in rows]]
        digits = _digits(about if key else json.dumps(content))

        def write(folder: Path) -> None:
            folder.mkdir()
            (made / "x.npy").replace(folder / "x.npy")
            x = np.load(folder / "x.npy", mmap_mode="r")
            save_domain(folder, x, read.y, read.classes, read.rows)

        keep_domain(_folder(digits), write)
    return digits


@contextmanager
def _reading_folder() -> Iterator[Path]:
    """Give a folder in the cache for images that are being read."""
    home = cache_home() / "python"
    with explain_write_errors(home):
        home.mkdir(parents=True, exist_ok=True)
        remove_unused(home)
        remove_abandoned(home)
        part = part_path(home / "reading")
        remove(part)
        part.mkdir()
        try:
            yield part
        finally:
            remove(part)


def _digits(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _read(parts: list[_Part], classes: tuple[str, ...], side: int, file: Path) -> tuple[str, _Read]:
    """Read images into an array in a file; return a digest of it, and all else that was read."""
    labels: list[list[int | str | None]] = []
    digest, count = hashlib.sha256(), sum(items.count for items, _, _ in parts)
    shape: tuple[int, ...] = ()
    with file.open("wb") as out:
        for items, what, labeled in parts:
            labels.append([])
            for i in range(items.count):
                stored, label = _read_one(items, i, side, what, labeled)
                if not shape:
                    shape = stored.shape
                    write_array_head(out, stored.dtype.str, (count, *shape))
                if stored.shape != shape:
                    raise ValueError(f"{what}[{i}] has the shape {stored.shape}, others {shape}")
                out.write(stored.data)
                digest.update(stored.data)
                labels[-1].append(label)
    return digest.hexdigest(), _roles(parts, labels, classes)


def _read_one(
    items: Items, i: int, side: int, what: str, labeled: bool | None
) -> tuple[Shaped[np.ndarray, "..."], int | str | None]:
    where = f"{what}[{i}]"
    image, label = (items.image(i), None) if labeled is False else items.both(i)
    if label is None and labeled:
        raise ValueError(f"{where} has no label: {what} gives pairs of image and label")
    stored = np.ascontiguousarray(to_stored(image, side, where))
    return stored, None if label is None else to_label(label, where)


def _roles(
    parts: list[_Part], labels: list[list[int | str | None]], classes: tuple[str, ...]
) -> _Read:
    """Number the classes, and give each image its roles, as `folder:` does."""
    names = classes or parts[0][0].classes or _name_classes(labels[0])
    y = np.array(
        [
            c
            for (items, what, _), some in zip(parts, labels, strict=True)
            for c in _number(some, items.classes, names, what)
        ],
        np.int64,
    )
    every, first = np.arange(len(y)), parts[0][0]
    none = every[:0]
    if len(parts) > 1:
        seen, tested = every[: first.count], every[first.count :]
        return _Read(y, names, dict(zip(PARTS, (none, none, seen, tested), strict=True)))
    if NO_LABEL in y:
        return _Read(y, names, dict(zip(PARTS, (none, none, every, every), strict=True)))
    return _Read(y, names, splits.divide_transductive(first.names or [*map(str, every)], y))


def _name_classes(labels: list[int | str | None]) -> tuple[str, ...]:
    """Return the names among the labels in alphabetical order, or all numbers up to the largest.

    Raises:
        ValueError: If there are fewer than two, or names and numbers.
    """
    kinds = {type(label) for label in labels}
    if len(kinds) != 1:
        raise ValueError("labels of source are class numbers or names, not both")
    numbers = [label for label in labels if isinstance(label, int)]
    names = map(str, range(max(numbers) + 1)) if numbers else sorted({*map(str, labels)})
    if len(found := tuple(names)) < 2:
        raise ValueError(f"source has one class only, {found[0]!r}: two are needed")
    return found


def _number(
    labels: list[int | str | None], own: tuple[str, ...], names: tuple[str, ...], what: str
) -> list[int]:
    """Return the number of each label among the names of the task's classes.

    Args:
        labels: Labels as they were given; none, or one for each image.
        own: Names that the data gives to numbers; empty for those of the task.
        names: Names of the task's classes.
        what: Which data it is, for messages.

    Raises:
        ValueError: If some images have labels and others none, or a label is of no class.
    """
    if all(label is None for label in labels):
        return [NO_LABEL] * len(labels)
    number: dict[int | str | None, int] = {name: i for i, name in enumerate(names)}
    known = dict(number)
    known |= dict(enumerate(range(len(names)))) if not own else {}
    known |= {i: number[name] for i, name in enumerate(own) if name in number}
    for i, label in enumerate(labels):
        if label not in known:
            shown = own[label] if isinstance(label, int) and label < len(own) else label
            raise ValueError(f"{what}[{i}] has the label {shown!r}, known: {shorten_names(names)}")
    return [known[label] for label in labels]
