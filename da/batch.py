"""What a method may see.

Letters of shapes, the same in the whole package: b images, n source images, m target images,
c channels, h by w pixels, d features, k classes. A leading g: runs that train together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True)
class Batch:
    """One training step's data."""

    source: Labeled
    target: Unlabeled
    shots: Labeled | None = None
    """Target images whose classes were bought: only in tasks that end in `+Kshot`."""


def tensors(batch: Batch) -> list[Tensor]:
    """All that a batch holds, in a fixed order."""
    parts = (batch.source.x, batch.source.y, batch.target.x, batch.target.index)
    return [*parts, batch.shots.x, batch.shots.y] if batch.shots else [*parts]


def packed(parts: Sequence[Tensor]) -> Batch:
    """The batch that holds `parts`, in the order of `tensors`."""
    x_s, y_s, x_t, index, *shots = parts
    return Batch(Labeled(x_s, y_s), Unlabeled(x_t, index), Labeled(*shots) if shots else None)
