"""Unbalanced transport of images to classes, after images are filled in (Chang et al. 2022)."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int
from torch import Tensor

from da.ops.unbalanced_transport import unbalanced_sinkhorn


class Plan(NamedTuple):
    """What is moved of each image to each class, 1 in all."""

    moved: Float[Tensor, "b k"]
    """Mass moved, a row for each image, of which those filled in come first."""
    filled: int
    """Number of images that were filled in."""

    def masses(self) -> Float[Tensor, "k"]:
        """Return the mass that each class receives."""
        return self.moved.sum(0)

    def confidence(self, start: int) -> Float[Tensor, "_"]:
        """Return the most that is moved of each image to a class, over an image's even share.

        Args:
            start: Number of images to leave out, after those that were filled in.
        """
        return self.moved[self.filled + start :].amax(1) * len(self.moved)

    def confident(self, start: int) -> tuple[Bool[Tensor, "_"], Int[Tensor, "_"]]:
        """Return which images are moved by more than their share, and to which class.

        The class must receive its own share at least, or the target is thought to lack it.

        Args:
            start: Number of images to leave out, after those that were filled in.
        """
        y = self.moved[self.filled + start :].argmax(1)
        there = self.masses() >= 1 / self.moved.shape[1]
        return (self.confidence(start) > 1) & there[y], y


def adapt_plan(
    unit: Float[Tensor, "b d"],
    prototypes: Float[Tensor, "k d"],
    mass: Float[Tensor, "k"],
    closeness: float,
) -> Plan:
    """Move images to classes, once as many are near a prototype as are not.

    Where few are near, confident images are repeated. Where most are near, images are filled in
    that lie between an image and the prototype that it resembles least.

    Args:
        unit: Features of length 1.
        prototypes: Prototypes of the classes, of length 1.
        mass: Mass of each class, 1 in all.
        closeness: Cosine with a prototype from which an image is near.
    """
    cosines = unit @ prototypes.mT
    missing = int(2 * (cosines.amax(1) > closeness).sum()) - len(unit)
    if missing > 0:
        between = F.normalize(unit + prototypes[cosines.argmin(1)])
        more = between @ prototypes.mT
    else:
        sure, _ = _move(cosines, mass, 0).confident(0)
        more = cosines[sure]
    filled = abs(missing) if len(more) else 0
    evenly = torch.arange(filled, device=unit.device) * max(len(more), 1) // max(filled, 1)
    return _move(torch.cat([more[evenly], cosines]), mass, filled)


def _move(cosines: Tensor, mass: Tensor, filled: int) -> Plan:
    moved = unbalanced_sinkhorn(-cosines, mass, reg=0.01, marginal=0.5)
    return Plan(moved / moved.sum(), filled)
