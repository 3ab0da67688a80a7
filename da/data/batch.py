"""The data that a method may see in a training step.

Letters of shapes, the same in the whole package: b images, n source images, m target images,
c channels, h by w pixels, d features, k classes. A leading g stands for runs that train together.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Labeled:
    """Images, or their features, with the class of each."""

    x: Shaped[Tensor, "..."]
    y: Int[Tensor, "*g b"]
    columns: Int[Tensor, "c b"] | None = None
    """Labels of further columns, one row for each, where the run learns several."""
    domain: Int[Tensor, "*g b"] | None = None
    """Which of several source domains each image is of; None where there is one."""


@dataclass(frozen=True)
class Unlabeled:
    """Images whose classes must stay unknown: there is no field that could leak them."""

    x: Shaped[Tensor, "..."]
    index: Int[Tensor, "*g b"]
    """Position of each image in its domain, for methods that remember past predictions."""
    strong: Shaped[Tensor, "..."] | None = None
    """A strongly augmented view of each image, for methods that ask for it, in regime full only."""


@dataclass(frozen=True)
class TargetBatch:
    """Data of one training step for methods that never see the source."""

    target: Unlabeled


@dataclass(frozen=True)
class Batch:
    """Data of one training step."""

    source: Labeled
    target: Unlabeled
    shots: Labeled | None = None
    """Labeled target images, a few of each class; only in tasks that end in `+Kshot`."""


def join_labeled(first: Labeled, second: Labeled, domain: int) -> Labeled:
    """Return the images of both.

    Args:
        first: Images, perhaps of several domains.
        second: Images of one more domain.
        domain: Number of that domain, where `first` has such.
    """
    columns, places = first.columns, first.domain
    if columns is not None and second.columns is not None:
        columns = torch.cat([columns, second.columns], -1)
    if places is not None:
        places = torch.cat([places, places.new_full(second.y.shape, domain)])
    x, y = torch.cat([first.x, second.x]), torch.cat([first.y, second.y])
    return Labeled(x, y, columns, places)


def tensors(batch: Batch | TargetBatch) -> list[Tensor]:
    """List all tensors of a batch in a fixed order."""
    parts = [getattr(batch, part.name) for part in fields(batch)]
    held = [getattr(part, x.name) for part in parts if part for x in fields(part)]
    return [x for x in held if x is not None]


def pack(parts: Iterable[Tensor], like: Batch) -> Batch:
    """Build a batch of the form of `like` from tensors in the order of `tensors`."""
    each = iter(parts)

    def filled(part: Any) -> Any:
        own = [x.name for x in fields(part) if getattr(part, x.name) is not None] if part else []
        return part and replace(part, **{name: next(each) for name in own})

    return Batch(*(filled(getattr(like, part.name)) for part in fields(like)))
