"""Images, domains and tasks: what is stored, and the role of each image."""

import hashlib
import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch
from jaxtyping import Int, Shaped
from torch import Tensor

from da.data.label_columns import Column, choose_columns
from da.data.pixel_digests import digest_pixels, is_digest_of
from da.data.stored_rows import StoredRows, take_rows
from da.data.transforms import Resize, to_eval_input
from da.system.cache import make_once

Change = Callable[[Any], StoredRows]
"""A function of stored images or features, row by row."""

DAMAGE = OSError, ValueError, TypeError, KeyError, EOFError, BadZipFile, zlib.error
"""Errors of reading damaged files."""

PARTS = "source_train", "source_test", "target_train", "target_test"
"""Roles that the images of a domain can have."""


@dataclass(frozen=True)
class Images:
    """Some rows of a stored array, which are read only when they are taken."""

    x: Shaped[StoredRows, "b ..."]
    """Pixels as uint8 `b h w c`, or features as float `b d`."""
    rows: Int[Tensor, "_"]
    """Rows of `x` that these images are."""
    resize: Resize = field(default=Resize(), kw_only=True)
    """Size of network input, and how pixels are brought to it."""

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, i: Int[Tensor, "_"]) -> Shaped[Tensor, "_ ..."]:
        """Copy the images at places `i`."""
        return self.x.index_select(0, self.rows[i].to(self.x.device, non_blocking=True))

    def to_input(self, i: Int[Tensor, "_"], device: torch.device) -> Shaped[Tensor, "_ ..."]:
        """Turn the images at places `i` into network input for evaluation, on `device`."""
        return to_eval_input(self.take(i).to(device), self.resize)


@dataclass(frozen=True)
class LabeledImages(Images):
    """Images, with the class of each row of the stored array."""

    classes: Int[Tensor, "b"]
    """Class of each row of `x`."""
    columns: tuple[Column, ...] = field(default=(), kw_only=True)
    """Further columns of labels, each with the class of each row of `x`."""
    domains: Int[Tensor, "b"] | None = field(default=None, kw_only=True)
    """Which of several domains each row of `x` is of; None where there is one."""
    unpooled: Int[Tensor, "b"] | None = field(default=None, kw_only=True)
    """Class of each row before those that the source lacks became one, if there are such."""
    groups: Column | None = field(default=None, kw_only=True)
    """Group of each row, of which tests tell the accuracy too; -1 for rows of none."""

    @property
    def y(self) -> Int[Tensor, "_"]:
        """The class of each image."""
        return self.classes[self.rows]

    def take_y(self, i: Int[Tensor, "_"]) -> Int[Tensor, "_"]:
        """Return the classes of the images at places `i`."""
        return self.classes[self.rows[i]]

    @property
    def domain_count(self) -> int:
        """The number of domains that the images are of."""
        return 1 if self.domains is None else int(self.domains[self.rows].max()) + 1

    def take_domains(self, i: Int[Tensor, "_"]) -> Int[Tensor, "_"] | None:
        """Return which of several domains the images at places `i` are of."""
        return None if self.domains is None else self.domains[self.rows[i]]

    def take_columns(self, i: Int[Tensor, "_"]) -> Int[Tensor, "c _"] | None:
        """Return the labels of further columns of the images at places `i`, if there are such."""
        rows = self.rows[i]
        return torch.stack([column.y[rows] for column in self.columns]) if self.columns else None


@dataclass(frozen=True)
class Domain:
    """Images of one kind, or their features, with their classes and the role of each image."""

    classes: tuple[str, ...]
    """Names of the classes; none where the images have no labels and a source names them."""
    x: Shaped[StoredRows, "b ..."]
    y: Int[Tensor, "b"]
    """Class of each image, or -1 for all where they have no labels."""
    rows: dict[str, Tensor]
    """Rows of `x` for each role, by the names in `PARTS`."""
    digest: str
    """SHA-256 of the pixels."""
    resize: Resize = field(default=Resize())
    left_out: int = 0
    """Number of images that could not be decoded and were left out."""
    columns: tuple[Column, ...] = ()
    """Further columns of labels next to the class, where the run asks for some."""
    unpooled: Int[Tensor, "b"] | None = None
    """Class of each image before those that the source lacks became one, if there are such."""
    groups: Column | None = None
    """Group of each image, of which tests tell the accuracy too; -1 for images of none."""
    joined: tuple["Domain", ...] = ()
    """The domains that this one joins, in the order of its rows; none if it is one itself."""

    @cached_property
    def places(self) -> Int[Tensor, "b"] | None:
        """Which of the joined domains each image is of; None where it is one domain."""
        if not self.joined:
            return None
        counts = torch.tensor([len(domain.y) for domain in self.joined])
        return torch.arange(len(self.joined)).repeat_interleave(counts)

    @cached_property
    def data_digest(self) -> str:
        """A short digest of pixels, classes, labels and roles, the same on every machine."""
        found = hashlib.sha256(json.dumps([self.digest, self.classes]).encode())
        further = [(json.dumps([c.name, c.classes]), c.y) for c in self.columns]
        more = {"places": self.places, "unpooled": self.unpooled}
        further += [(name, rows) for name, rows in more.items() if rows is not None]
        for name, rows in [("y", self.y), *sorted(self.rows.items()), *further]:
            found.update(f"{name} {len(rows)} ".encode())
            found.update(rows.to(torch.int64).contiguous().numpy().data)
        return found.hexdigest()[:16]

    @property
    def is_labeled(self) -> bool:
        """Whether the images have labels, for tests or more."""
        return bool((self.y >= 0).all())

    def without_labels(self) -> "Domain":
        """Return the domain as if the class of no image were known."""
        columns = tuple(column.without_labels() for column in self.columns)
        return replace(self, classes=(), y=torch.full_like(self.y, -1), columns=columns)

    def with_columns(
        self, known: Mapping[str, Column], names: tuple[str, ...], where: str
    ) -> "Domain":
        """Return the domain with the first of some label columns as its class, and the others.

        Args:
            known: All columns of the data.
            names: Names of the wanted columns.
            where: What the data is, for messages.

        Raises:
            ValueError: A column does not exist.
        """
        first, *further = choose_columns(known, names, where)
        return replace(self, classes=first.classes, y=first.y, columns=tuple(further))

    def part(self, rows: Int[Tensor, "_"]) -> LabeledImages:
        """Select some of the images, with their classes."""
        return LabeledImages(
            *(self.x, rows, self.y),
            resize=self.resize,
            columns=self.columns,
            domains=self.places,
            unpooled=self.unpooled,
            groups=self.groups,
        )

    def images(self, rows: Int[Tensor, "_"]) -> Images:
        """Select some of the images, without their classes."""
        return Images(self.x, rows, resize=self.resize)


def are_same(source: Domain, target: Domain) -> bool:
    """Return whether two domains have the same images, classes, labels and roles."""
    return source.digest == target.digest and source.data_digest == target.data_digest


@dataclass(frozen=True)
class Task:
    """A labeled source to learn from, an unlabeled target to adapt to, and target test images.

    Training sees `source_train`, `target_train` and `shots`; the rest is for evaluation. A
    supervised task has one domain. Its labeled training images are the source, and the same images
    without labels are the target. `source_test` holds validation images and shares none with
    `target_test`.
    """

    name: str
    classes: tuple[str, ...]
    source_train: LabeledImages
    target_train: Images
    source_test: LabeledImages
    target_test: LabeledImages
    shots: LabeledImages | None = None
    """Labeled target images, a few of each class, in tasks that end in `+Kshot`."""

    @cached_property
    def is_tested(self) -> bool:
        """Whether the target's test images have labels, without which there is no accuracy."""
        return bool((self.target_test.y >= 0).all())

    def map(self, source: Change, target: Change | None = None) -> "Task":
        """Return the task with other images or features, of the same rows and labels.

        Args:
            source: Function of all stored images of the source.
            target: The same of the target; `source` where it is None.
        """
        change = target or source
        x_s, x_t = source(self.source_train.x), change(self.target_train.x)
        own = self.target_test.x is not self.target_train.x
        return replace(
            self,
            source_train=replace(self.source_train, x=x_s),
            source_test=replace(self.source_test, x=x_s),
            target_train=replace(self.target_train, x=x_t),
            target_test=replace(self.target_test, x=change(self.target_test.x) if own else x_t),
            shots=self.shots and replace(self.shots, x=x_t),
        )


def save_domain(
    folder: Path,
    x: Shaped[np.ndarray, "b ..."] | None,
    y: Int[np.ndarray, "b"],
    classes: tuple[str, ...],
    rows: dict[str, Int[np.ndarray, "_"]],
    digest: str = "",
) -> None:
    """Write a domain to `folder`; `load_domain` reads it back.

    Args:
        folder: Where to write; created if it does not exist.
        x: Pixels, or features. Where these are too many for memory, a memory map of
            `folder`/x.npy, which is then not written again. None where they are kept elsewhere.
        y: The class of each image.
        classes: Names of the classes.
        rows: Rows of `x` for each role, by the names in `PARTS`.
        digest: SHA-256 of the pixels, where it is known.
    """
    assert set(rows) == set(PARTS), rows.keys()
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(x, np.ndarray) and not isinstance(x, np.memmap):
        np.save(folder / "x.npy", x)
    arrays: dict[str, Any] = rows | {"y": y.astype(np.int64)}
    np.savez(folder / "rows.npz", **arrays)
    if not digest:
        assert x is not None
        digest = digest_pixels(x)
    about = {"classes": classes, "digest": digest}
    (folder / "about.json").write_text(json.dumps(about))


def load_domain(folder: Path, x: StoredRows | None = None) -> Domain:
    """Load a domain that `save_domain` wrote; its pixels stay on disk until they are drawn.

    Args:
        folder: Its folder.
        x: Its pixels, where they are kept elsewhere.

    Raises:
        ValueError: If a file is missing or damaged.
    """
    try:
        about = json.loads((folder / "about.json").read_text())
        with (folder / "rows.npz").open("rb") as opened, np.load(opened) as file:
            rows = {name: torch.from_numpy(file[name]) for name in file.files}
        if x is None:
            x = torch.from_numpy(np.load(folder / "x.npy", mmap_mode="c"))
        return Domain(tuple(about["classes"]), x, rows.pop("y"), rows, about["digest"])
    except DAMAGE as error:
        raise ValueError(f"{folder} is damaged ({error}): remove it to make it again") from error


def keep_domain(folder: Path, write: Callable[[Path], None]) -> Domain:
    """Load the domain in `folder`, which `write` writes first if it is missing or damaged."""
    return load_domain(make_once(folder, write, _check_domain))


def _check_domain(folder: Path) -> None:
    domain = load_domain(folder)
    if not is_digest_of(domain.digest, take_rows(domain.x, None).numpy()):
        raise ValueError(f"{folder} has other pixels than were stored")
    if len(domain.x) != len(domain.y) or set(domain.rows) != set(PARTS):
        raise ValueError(f"{folder} has other rows than were stored")
