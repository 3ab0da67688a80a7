"""Draws of images that show all classes equally often."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Int
from torch import Tensor

from da.data.domain import Images, LabeledImages
from da.data.draws import SOURCE, TARGET, SourceDraws, draw, generator


@dataclass
class Predicted:
    """Classes of target images as they were last predicted, for a training that goes on."""

    y: Int[Tensor, "_"] | None = None
    """Class of each image; None before the first prediction."""


Balance = tuple[Callable[[], Tensor], int] | tuple[Callable[[], Tensor], int, Predicted]
"""A function that predicts the class of each target image now, and the steps between its calls.

Last, where what it predicted is kept.
"""

Rows = Callable[[int], Tensor]
"""Function from a step to the places of the images that it shows."""


class BalancedDraws:
    """Draws, with replacement, in which each group of images has the same chance.

    Args:
        groups: Number of the group of each image, such as its class.
        size: Images in a batch.
        seed: Seed of the draws.
        stream: Which of several independent chains of the same seed.
    """

    def __init__(self, groups: Int[Tensor, "n"], size: int, seed: int, stream: int):
        _, place, counts = groups.unique(return_inverse=True, return_counts=True)
        self.weights = 1 / counts[place].double()
        self.size, self.key = size, (seed, stream)

    def rows(self, step: int) -> Int[Tensor, "_"]:
        """Return the places of the images that a step shows."""
        own = generator(*self.key, step)
        return torch.multinomial(self.weights, self.size, replacement=True, generator=own)


class PseudoBalancedDraws:
    """Draws in which each predicted class has the same chance, by predictions made now and then.

    Until they are first made, images are drawn as `da.data.draws.draw` does.

    Args:
        count: Number of images.
        size: Images in a batch.
        seed: Seed of the draws.
        stream: Which of several independent chains of the same seed.
        classify: Function that gives the class of each image as it is predicted now.
        every: Steps between predictions.
        predicted: What was predicted before, and is kept here; None to begin at the first step.
    """

    def __init__(
        self,
        count: int,
        size: int,
        seed: int,
        stream: int,
        classify: Callable[[], Int[Tensor, "_"]],
        every: int,
        predicted: Predicted | None = None,
    ):
        self.usual = count, size, seed, stream
        self.classify, self.every = classify, every
        self.predicted = predicted or Predicted()
        self.balanced: BalancedDraws | None = None

    def rows(self, step: int) -> Int[Tensor, "_"]:
        """Return the places of the images that a step shows; steps are asked for in order."""
        if step and step % self.every == 0:
            self.predicted.y = self.classify().cpu()
            self.balanced = None
        if self.balanced is None and step >= self.every and self.predicted.y is not None:
            self.balanced = BalancedDraws(self.predicted.y, *self.usual[1:])
        if self.balanced is None:
            count, size, seed, stream = self.usual
            return draw(count, size, step, seed, stream)
        return self.balanced.rows(step)


def draw_source(images: LabeledImages, size: int, seed: int, balance: Balance | None) -> Rows:
    """Return how source images are drawn: evenly over domains, and over classes if at all balanced.

    Args:
        images: Source images.
        size: Images in a batch.
        seed: Seed of the draws.
        balance: How classes get equal shares; None for the shares that they have.
    """
    if not balance:
        return SourceDraws(images, size, seed).rows
    groups = images.y
    if images.domains is not None:
        groups = groups + (int(groups.max()) + 1) * images.domains[images.rows]
    return BalancedDraws(groups, size, seed, SOURCE).rows


def draw_target(images: Images, size: int, seed: int, balance: Balance | None) -> Rows:
    """Return how target images are drawn; arguments are those of `draw_source`."""
    count = len(images)
    if balance:
        return PseudoBalancedDraws(count, size, seed, TARGET, *balance).rows
    return lambda step: draw(count, size, step, seed, TARGET)
