"""Which images each step shows: the same for a seed and step on any machine."""

import math
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.data.domain import LabeledImages

SOURCE, TARGET, SHOTS, VIEWS, STREAM, SOURCES = range(6)
"""Independent chains of random numbers of one seed; each of several sources has one from the last.
"""

_BLOCK = 16
"""Steps whose rows are looked up together."""


class SourceDraws:
    """Draws of source images, of which several domains have equal shares.

    Where `size` cannot be divided, the first domains have one image more.

    Args:
        images: Source images.
        size: Images in a batch.
        seed: Seed of the draws.

    Raises:
        ValueError: There are fewer images in a batch than domains.
    """

    def __init__(self, images: LabeledImages, size: int, seed: int):
        self.seed = seed
        every = torch.arange(len(images))
        of = every.new_zeros(1) if images.domains is None else images.domains[images.rows]
        count = int(of.max()) + 1
        self.each = [every[of == number] for number in range(count)] if count > 1 else [every]
        if size < count:
            raise ValueError(f"a batch of {size} source images has none of some of {count} domains")
        self.shares = [size // count + (number < size % count) for number in range(count)]

    def rows(self, step: int) -> Int[Tensor, "_"]:
        """Return the places of the images that a step shows."""
        first = SOURCES if len(self.each) > 1 else SOURCE
        drawn = [
            own[draw(len(own), share, step, self.seed, first + number)]
            for number, (own, share) in enumerate(zip(self.each, self.shares, strict=True))
        ]
        return torch.cat(drawn)


def draw(n: int, size: int, step: int, seed: int, stream: int = 0) -> Int[Tensor, "_"]:
    """Return which of `n` images are shown in a step: a piece of an endless chain of shuffles.

    Args:
        n: Images to draw from.
        size: Images in a batch.
        step: Number of the step, from 0 on.
        seed: Seed of the shuffles.
        stream: Which of several independent chains of the same seed.
    """
    return _block(n, size, seed, stream, step // _BLOCK)[step % _BLOCK]


@lru_cache(maxsize=256)  # many runs may train together, and each needs two or three
def _block(n: int, size: int, seed: int, stream: int, block: int) -> Int[Tensor, "_ size"]:
    start, end = block * _BLOCK * size, (block + 1) * _BLOCK * size
    first, last = start // n, math.ceil(end / n)
    chain = torch.empty(last - first, n, dtype=torch.int64)  # fails at once if it is too large
    for epoch in range(first, last):
        chain[epoch - first] = shuffle(n, seed, stream, epoch)
    return chain.flatten()[start - first * n : end - first * n].reshape(_BLOCK, size)


@lru_cache(maxsize=16)
def shuffle(n: int, seed: int, stream: int, epoch: int) -> Int[Tensor, "_"]:
    """Return the numbers below `n` in an order of their own for each seed, stream and epoch."""
    return torch.randperm(n, generator=generator(seed, stream, epoch))


def generator(*key: int) -> torch.Generator:
    """Build a separate generator for each key, so that no draw depends on earlier ones."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))
