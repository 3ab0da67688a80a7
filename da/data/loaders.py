"""Task to endless batches: the same seed and step give the same images, on any device."""

import math
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import count
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.data.batch import Batch, Labeled, TargetBatch, Unlabeled, tensors
from da.data.domain import Images, LabeledImages, Task
from da.data.transforms import Augment, augment_images, is_random

_SOURCE, _TARGET, _SHOTS, _VIEWS, _STREAM = range(5)
_BLOCK = 16
"""Steps whose rows are looked up together."""


def batches(
    task: Task,
    size: int,
    seed: int,
    *,
    augment: Augment = "none",
    device: torch.device | None = None,
    strong: bool = False,
) -> Iterator[Batch]:
    """Batches of `size` images of each domain, from step 0 on, as network input.

    Each domain is gone through in an order drawn anew each time, without a break in between.
    Features, which are no pixels, are passed on as they are, or one view of several. With `strong`,
    target pixels come in a second, strong view too. Where images have to be brought to a GPU, that
    is done while the step before is computed.
    """
    device = device or torch.device("cpu")
    made = _batches(task, size, seed, _Sight(augment, device), strong)
    return _ahead(made, _parts(task), device)


def target_batches(
    task: Task,
    size: int,
    seed: int,
    *,
    augment: Augment = "none",
    device: torch.device | None = None,
) -> Iterator[TargetBatch]:
    """What `batches` shows of the target, and nothing of the source."""
    device = device or torch.device("cpu")
    made = _target_batches(task.target_train, size, seed, _Sight(augment, device))
    return _ahead(made, [task.target_train], device)


def stream(
    images: Images, size: int, seed: int, *, device: torch.device | None = None
) -> Iterator[TargetBatch]:
    """All `images` once, in an order drawn from `seed`, `size` at a time and then what is left."""
    sight = _Sight("none", device or torch.device("cpu"))
    for i in _shuffle(len(images), seed, _STREAM, 0).split(size):
        yield TargetBatch(sight.unlabeled(images, i))


_Any = TypeVar("_Any", Batch, TargetBatch)


def _ahead(made: Iterator[_Any], parts: list[Images], device: torch.device) -> Iterator[_Any]:
    away = any(part.x.device.type != device.type for part in parts)
    return prefetch(made, device) if device.type == "cuda" and away else made


def _parts(task: Task) -> list[Images]:
    parts = [task.source_train, task.target_train, task.shots]
    return [part for part in parts if part is not None]


class _Sight:
    """How stored images become network input; draws from `views`."""

    def __init__(self, augment: Augment, device: torch.device):
        self.augment, self.device = augment, device
        self.views = torch.Generator()

    def see(self, images: Images, i: Tensor, augment: Augment | None = None) -> Tensor:
        augment = augment or self.augment
        if images.x.device.type == self.device.type == "cpu":
            return augment_images(images.x, images.resize, augment, self.views, images.rows[i])
        x = images.take(i)
        if x.device.type == "cpu" and self.device.type == "cuda":
            x = x.pin_memory()  # the GPU fetches it by itself while the CPU goes on
        x = x.to(self.device, non_blocking=True)
        return augment_images(x, images.resize, augment, self.views)

    def labeled(self, images: LabeledImages, i: Tensor) -> Labeled:
        return Labeled(self.see(images, i), images.take_y(i).to(self.device, non_blocking=True))

    def unlabeled(self, images: Images, i: Tensor, strong: bool = False) -> Unlabeled:
        seen, index = self.see(images, i), i.to(self.device, non_blocking=True)
        second = self.see(images, i, "strong") if strong and images.x.dtype == torch.uint8 else None
        return Unlabeled(seen, index, second)


def _batches(task: Task, size: int, seed: int, sight: _Sight, strong: bool) -> Iterator[Batch]:
    random = strong or any(is_random(part.x, sight.augment) for part in _parts(task))
    for step in count():
        if random:
            sight.views = generator(seed, _VIEWS, step)
        source = sight.labeled(
            task.source_train, draw(len(task.source_train), size, step, seed, _SOURCE)
        )
        j = draw(len(task.target_train), size, step, seed, _TARGET)
        target = sight.unlabeled(task.target_train, j, strong)
        shots = None
        if task.shots:
            shots = sight.labeled(task.shots, draw(len(task.shots), size, step, seed, _SHOTS))
        yield Batch(source, target, shots)


def _target_batches(images: Images, size: int, seed: int, sight: _Sight) -> Iterator[TargetBatch]:
    random = is_random(images.x, sight.augment)
    for step in count():
        if random:
            sight.views = generator(seed, _VIEWS, step)
        yield TargetBatch(sight.unlabeled(images, draw(len(images), size, step, seed, _TARGET)))


def prefetch(batches: Iterator[_Any], device: torch.device, ahead: int = 2) -> Iterator[_Any]:
    """The same batches, of which a thread prepares the next `ahead`, on a CUDA stream of its own.

    What goes wrong in the thread is raised here. It ends when the iterator is closed or deleted.
    """
    side = torch.cuda.Stream(device) if device.type == "cuda" else None

    def prepare() -> tuple[_Any | None, torch.cuda.Event | None]:
        with torch.cuda.stream(side):
            batch = next(batches, None)
            return batch, side.record_event() if side else None

    with ThreadPoolExecutor(1, "batches") as thread:
        waiting = deque[Future](thread.submit(prepare) for _ in range(ahead))
        try:
            while (prepared := waiting.popleft().result())[0] is not None:
                waiting.append(thread.submit(prepare))
                yield _arrived(*prepared)
        finally:
            thread.shutdown(cancel_futures=True)


def _arrived(batch: _Any, event: torch.cuda.Event | None) -> _Any:
    """`batch`, when the current stream has been told to wait for it."""
    if event is not None:
        stream = torch.cuda.current_stream()
        stream.wait_event(event)
        for tensor in tensors(batch):
            # Its memory must not be used again by the stream that made it before this is done.
            tensor.record_stream(stream)
    return batch


def draw(n: int, size: int, step: int, seed: int, stream: int = 0) -> Int[Tensor, "_"]:
    """Which of `n` images step `step` shows: a piece of an endless chain of shuffles."""
    return _block(n, size, seed, stream, step // _BLOCK)[step % _BLOCK]


@lru_cache(maxsize=256)  # as many runs may train together, of which each asks for two or three
def _block(n: int, size: int, seed: int, stream: int, block: int) -> Int[Tensor, "_ size"]:
    start, end = block * _BLOCK * size, (block + 1) * _BLOCK * size
    first, last = start // n, math.ceil(end / n)
    chain = torch.cat([_shuffle(n, seed, stream, epoch) for epoch in range(first, last)])
    return chain[start - first * n : end - first * n].reshape(_BLOCK, size)


@lru_cache(maxsize=16)
def _shuffle(n: int, seed: int, stream: int, epoch: int) -> Int[Tensor, "_"]:
    return torch.randperm(n, generator=generator(seed, stream, epoch))


def generator(*key: int) -> torch.Generator:
    """A generator of its own for every key, so that no draw depends on those before it."""
    state = np.random.SeedSequence(key).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(state[0] >> np.uint64(1)))


def place_near(x: Tensor, device: torch.device) -> Tensor:
    """Stored images as near to `device` as they fit.

    On a GPU where they take less than half of its free memory; else in memory where they take
    less than half of that, read once from the start to the end; else where they are, on disk.
    """
    size = 2 * x.nbytes
    if device.type == "cuda" and size <= torch.cuda.mem_get_info(device)[0]:
        return x.to(device)
    if size <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        _read(x)
    return x


def _read(x: Tensor) -> None:
    """Touch a value of every page, so that the system fetches the file and keeps it in memory.

    Processes that read the same file share that memory, which copies of it would not.
    """
    x.flatten()[:: 4096 // x.element_size()].sum()
