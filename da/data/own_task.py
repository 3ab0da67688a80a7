"""Tasks of a user's Python objects, read once and stored as the images of folders are."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from jaxtyping import Int, Shaped

from da.config.choices import OWN
from da.data import splits
from da.data.datasets._decoded import stored_side
from da.data.decode import VERSION
from da.data.domain import PARTS, Domain, keep_domain, load_domain, save_domain
from da.data.label_columns import Column, load_columns, save_columns
from da.data.own_items import Items, open_items, to_stored
from da.data.own_labels import (
    NO_LABEL,
    Labels,
    name_classes,
    number_columns,
    number_labels,
    read_labels,
    split_columns,
)
from da.system.array_files import write_array_head
from da.system.cache import cache_home, explain_write_errors, remove_unused
from da.system.temporary import part_path, remove, remove_abandoned

NAME = re.compile(r"\w+")


class OwnTask(str):
    """A task of your own Python objects: text that names it, wherever a task is named.

    The images are read once, here, and stored in the cache, squeezed to squares as those of
    `folder:` are: crop them first where they should keep their proportions. The name holds a digest
    of them: `python:mine.0123456789ab-0123456789ab`. With `+3shot` at its end, the task also gives
    3 labeled target images of each class.

        task = da.Task(source=(photos, labels), target=sketches)
        record = da.train(da.Run(da.methods.DANN(), task))

    Args:
        source: Labeled images: a map-style Dataset of (image, label), a data set of Hugging Face,
            or a pair of arrays, tensors or lists. An image is a path, a picture of Pillow, an array
            or tensor of bytes, or one of numbers from 0 to 1, of any size. A row of numbers is a
            row of features. A dict of labels, as in {"image": x, "kind": 1, "size": 0}, or a tuple
            of them is label columns, of which the first is the class; see `LabelColumns`.
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
        columns = {name: c.classes for name, c in load_columns(_folder(first)).items()}
        second = _store(theirs, names, side, key, columns)
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


def open_columns(digits: str) -> dict[str, Column]:
    """Open the label columns of a stored domain, its class first; none where it has one label."""
    return load_columns(_folder(digits))


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
    columns: tuple[Column, ...] = ()
    """All label columns, the class first, where there are several."""


_Part = tuple[Items, str, bool | None]
"""Images, what they are, and whether their labels are read; None for where they have some."""


def _store(
    parts: list[_Part],
    classes: tuple[str, ...],
    side: int,
    key: str,
    columns: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> str:
    """Read images, store them as a domain, and return the digits that name it.

    Args:
        parts: Images of the source, or of the target and its tests.
        classes: Names of the classes, if they are known.
        side: Width of network input, in pixels.
        key: Text that stands for their content; empty for a digest of it.
        columns: Classes of the label columns, if they are known.
    """
    counts = [(what, items.count) for items, what, _ in parts]
    about = json.dumps([VERSION, key, counts, classes, stored_side(side)])
    if key and is_stored(digits := _digits(about)):
        return digits
    with _reading_folder() as made:
        pixels, read = _read(parts, classes, stored_side(side), made / "x.npy", columns)
        rows = [read.y, *read.rows.values()]
        hashes = [hashlib.sha256(row.data).hexdigest() for row in rows]
        content: list[Any] = [pixels, read.classes, hashes]
        content += [[c.name, c.classes, c.y.tolist()] for c in read.columns]
        digits = _digits(about if key else json.dumps(content))

        def write(folder: Path) -> None:
            folder.mkdir()
            (made / "x.npy").replace(folder / "x.npy")
            x = np.load(folder / "x.npy", mmap_mode="r")
            save_domain(folder, x, read.y, read.classes, read.rows)
            if read.columns:
                save_columns(folder, read.columns)

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


def _read(
    parts: list[_Part],
    classes: tuple[str, ...],
    side: int,
    file: Path,
    columns: Mapping[str, tuple[str, ...]],
) -> tuple[str, _Read]:
    """Read images into an array in a file; return a digest of it, and all else that was read."""
    labels: list[tuple[str, list[Labels]]] = []
    digest, count = hashlib.sha256(), sum(items.count for items, _, _ in parts)
    shape: tuple[int, ...] = ()
    with file.open("wb") as out:
        for items, what, labeled in parts:
            labels.append((what, []))
            for i in range(items.count):
                stored, label = _read_one(items, i, side, what, labeled)
                if not shape:
                    shape = stored.shape
                    write_array_head(out, stored.dtype.str, (count, *shape))
                if stored.shape != shape:
                    raise ValueError(f"{what}[{i}] has the shape {stored.shape}, others {shape}")
                out.write(stored.data)
                digest.update(stored.data)
                labels[-1][1].append(label)
    main, each = split_columns(labels, [*columns])
    read = _roles(parts, main, classes)
    first = {name: read.classes for name in [*each][:1]}
    more = number_columns(each, {**columns, **first}, [what for _, what, _ in parts])
    return digest.hexdigest(), replace(read, columns=more)


def _read_one(
    items: Items, i: int, side: int, what: str, labeled: bool | None
) -> tuple[Shaped[np.ndarray, "..."], Labels]:
    where = f"{what}[{i}]"
    image, label = (items.image(i), None) if labeled is False else items.both(i)
    if label is None and labeled:
        raise ValueError(f"{where} has no label: {what} gives pairs of image and label")
    stored = np.ascontiguousarray(to_stored(image, side, where))
    return stored, read_labels(label, where)


def _roles(
    parts: list[_Part], labels: list[list[int | str | None]], classes: tuple[str, ...]
) -> _Read:
    """Number the classes, and give each image its roles, as `folder:` does."""
    names = classes or parts[0][0].classes or name_classes(labels[0])
    y = np.array(
        [
            c
            for (items, what, _), some in zip(parts, labels, strict=True)
            for c in number_labels(some, items.classes, names, what)
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
