"""What a method may see.

Letters of shapes, the same in the whole package: b images, n source images, m target images,
c channels, h by w pixels, d features, k classes. A leading g: runs that train together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from jaxtyping import Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Labeled:
    """Images, or their features, and the class of each."""

    x: Shaped[Tensor, "..."]
    y: Int[Tensor, "*g b"]


@dataclass(frozen=True)
class Unlabeled:
    """Images whose classes must stay unknown: there is no field to leak them through."""

    x: Shaped[Tensor, "..."]
    index: Int[Tensor, "*g b"]
    """Position of each image in its domain, for methods that keep a memory of past predictions."""
    strong: Shaped[Tensor, "..."] | None = None
    """A strongly augmented view of each image, for methods that ask for it, in regime full."""


@dataclass(frozen=True)
class TargetBatch:
    """One training step's data for methods that never see the source."""

    target: Unlabeled


@dataclass(frozen=True)
class Batch:
    """One training step's data."""

    source: Labeled
    target: Unlabeled
    shots: Labeled | None = None
    """Target images whose classes were bought: only in tasks that end in `+Kshot`."""


def tensors(batch: Batch | TargetBatch) -> list[Tensor]:
    """All that a batch holds, in a fixed order."""
    parts = [getattr(batch, part.name) for part in fields(batch)]
    held = [getattr(part, x.name) for part in parts if part for x in fields(part)]
    return [x for x in held if x is not None]


def pack(parts: Sequence[Tensor]) -> Batch:
    """The batch that holds `parts`, in the order of `tensors`; it has no strong views."""
    x_s, y_s, x_t, index, *shots = parts
    return Batch(Labeled(x_s, y_s), Unlabeled(x_t, index), Labeled(*shots) if shots else None)
