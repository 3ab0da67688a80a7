"""The data that a method may see in a training step.

Letters of shapes, the same in the whole package: b images, n source images, m target images,
c channels, h by w pixels, d features, k classes. A leading g stands for runs that train together.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

from jaxtyping import Int, Shaped
from torch import Tensor


@dataclass(frozen=True)
class Labeled:
    """Images, or their features, with the class of each."""

    x: Shaped[Tensor, "..."]
    y: Int[Tensor, "*g b"]
    columns: Int[Tensor, "c b"] | None = None
    """Labels of further columns, one row for each, where the run learns several."""


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


def tensors(batch: Batch | TargetBatch) -> list[Tensor]:
    """List all tensors of a batch in a fixed order."""
    parts = [getattr(batch, part.name) for part in fields(batch)]
    held = [getattr(part, x.name) for part in parts if part for x in fields(part)]
    return [x for x in held if x is not None]


def pack(parts: Sequence[Tensor]) -> Batch:
    """Build the batch of `parts`, given in the order of `tensors`; it has no strong views."""
    x_s, y_s, x_t, index, *shots = parts
    return Batch(Labeled(x_s, y_s), Unlabeled(x_t, index), Labeled(*shots) if shots else None)
