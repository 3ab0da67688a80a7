"""Task to endless batches: the same seed and step give the same images, on any device."""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.batch import Batch, Labeled, Unlabeled
from da.domains import Domain, Images, LabeledImages, Task
from da.vision import Augment, augmented

_SOURCE, _TARGET, _SHOTS, _VIEWS = range(4)


def batches(
    task: Task,
    size: int,
    seed: int,
    *,
    side: int = 0,
    augment: Augment = "none",
    device: torch.device | None = None,
) -> Iterator[Batch]:
    """Batches of `size` images of each domain, from step 0 on, as network input of `side` pixels.

    Each domain is gone through in an order drawn anew each time, without a break in between.
    Features, which are no pixels, are passed on as they are.
    """
    device = device or torch.device("cpu")
    step = 0
    while True:
        views = generator(seed, _VIEWS, step)

        def see(images: Images, i: Tensor, g: torch.Generator = views) -> Tensor:
            return augmented(images.take(i).to(device, non_blocking=True), side, augment, g)

        def labeled(images: LabeledImages, stream: int, step: int = step) -> Labeled:
            i = draw(len(images), size, step, seed, stream)
            return Labeled(see(images, i), images.take_y(i).to(device, non_blocking=True))

        source = labeled(task.source_train, _SOURCE)
        j = draw(len(task.target_train), size, step, seed, _TARGET)
        target = Unlabeled(see(task.target_train, j), j.to(device, non_blocking=True))
        yield Batch(source, target, labeled(task.shots, _SHOTS) if task.shots else None)
        step += 1


def draw(n: int, size: int, step: int, seed: int, stream: int = 0) -> Int[Tensor, "_"]:
    """Which of `n` images step `step` shows: a piece of an endless chain of shuffles."""
    at = torch.arange(step * size, (step + 1) * size)
    first, last = int(at[0]) // n, int(at[-1]) // n
    chain = torch.cat([_shuffle(n, seed, stream, epoch) for epoch in range(first, last + 1)])
    return chain[at - first * n]


@lru_cache(maxsize=16)
def _shuffle(n: int, seed: int, stream: int, epoch: int) -> Int[Tensor, "_"]:
    return torch.randperm(n, generator=generator(seed, stream, epoch))


def generator(*key: int) -> torch.Generator:
    """A generator of its own for every key, so that no draw depends on those before it."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def resident(domain: Domain, device: torch.device) -> Domain:
    """The domain with its images on `device` where they take less than half of its free memory."""
    if device.type != "cuda" or 2 * domain.x.nbytes > torch.cuda.mem_get_info(device)[0]:
        return domain
    return replace(domain, x=domain.x.to(device))
