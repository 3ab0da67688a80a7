"""Endless batches of a task: the same seed and step give the same images on any device."""

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import count
from typing import TypeVar

import torch
from torch import Tensor

from da.config.choices import Augment
from da.config.transforms import Transforms
from da.data.balanced import Balance, Rows, draw_source, draw_target
from da.data.batch import Batch, TargetBatch, join_labeled, tensors
from da.data.domain import Images, Task
from da.data.draws import SHOTS, STREAM, VIEWS, draw, generator, shuffle
from da.data.inputs import InputBuilder
from da.data.joined import JoinedPixels
from da.data.stored_rows import StoredRows
from da.data.views import USUAL, is_random

COPIES = 10
"""Largest number of copies of each image in a batch without a warning."""


def batches(
    task: Task,
    size: int,
    seed: int,
    *,
    augment: Augment = "none",
    device: torch.device | None = None,
    strong: bool = False,
    mix_shots: bool = False,
    balance: Balance | None = None,
    transforms: Transforms = USUAL,
    target_images: int = 1,
    start: int = 0,
) -> Iterator[Batch]:
    """Give endless batches of `size` images of each domain, from a step on, as network input.

    Each domain is read again and again, each time in a new random order, without a break in
    between. Several source domains have equal shares of a batch. Features are passed on as they
    are; of features of several views, one view is drawn.
    Where images have to be copied to a GPU, that is done while the previous step is computed.

    Args:
        task: Whose images to show.
        size: Images of each domain, and shots, in a batch.
        seed: Seed of the orders and of the augmentation.
        augment: How pixels are changed at random.
        device: Device of the batches; the CPU if none is given.
        strong: Whether target pixels also come in a second, strongly augmented view.
        mix_shots: Whether half of the source images are shots instead, where the task has some.
        balance: How classes get equal shares of both domains; None for the shares that they have.
        transforms: Settings of the changes.
        target_images: Target images for each source image.
        start: First step, whose batch does not depend on those before it.
    """
    device = device or torch.device("cpu")
    builder = InputBuilder(augment, device, transforms)
    sizes = size, size * target_images
    made = _batches(task, sizes, seed, builder, strong, mix_shots, balance, start)
    return made if balance else _prefetch_to_gpu(made, _parts(task), device)


def target_batches(
    task: Task,
    size: int,
    seed: int,
    *,
    augment: Augment = "none",
    device: torch.device | None = None,
    balance: Balance | None = None,
    transforms: Transforms = USUAL,
    start: int = 0,
) -> Iterator[TargetBatch]:
    """Give endless batches as `batches` does, but of the target only.

    Args:
        task: Whose target images to show; nothing of its source is read.
        size: Images in a batch.
        seed: Seed of the order and of the augmentation.
        augment: How pixels are changed at random.
        device: Device of the batches; the CPU if none is given.
        balance: How classes get equal shares; None for the shares that they have.
        transforms: Settings of the changes.
        start: First step.
    """
    device = device or torch.device("cpu")
    draws = draw_target(task.target_train, size, seed, balance)
    builder = InputBuilder(augment, device, transforms)
    made = _target_batches(task.target_train, seed, builder, draws, start)
    return made if balance else _prefetch_to_gpu(made, [task.target_train], device)


def stream(
    images: Images,
    size: int,
    seed: int,
    *,
    order: Sequence[Tensor] | None = None,
    device: torch.device | None = None,
    start: int = 0,
) -> Iterator[TargetBatch]:
    """Give all images once, `size` at a time and then what is left.

    One image that is left joins the batch before it: batch norm has no statistics of one image.

    Args:
        images: Which images to show.
        size: Images in a batch; the last batch may have fewer, or one more.
        seed: Seed of the order.
        order: Places of the images in parts, of which no batch has two; shuffled if None.
        device: Device of the batches; the CPU if none is given.
        start: Number of batches that are left out at the beginning.
    """
    builder = InputBuilder("none", device or torch.device("cpu"))
    for i in split_stream(order or [shuffle(len(images), seed, STREAM, 0)], size)[start:]:
        yield TargetBatch(builder.unlabeled(images, i))


def split_stream(order: Sequence[Tensor], size: int) -> list[Tensor]:
    """Return the places of the images of each batch of a stream.

    Args:
        order: Places of the images in parts, of which no batch has two.
        size: Images in a batch.
    """
    found: list[Tensor] = []
    for part in order:
        ends = range(size, size * count_stream_batches(len(part), size), size)
        found += part.tensor_split(tuple(ends))
    return found


def count_stream_batches(n: int, size: int) -> int:
    """Return the number of batches in which `stream` shows `n` images, `size` at a time."""
    full, left = divmod(n, size)
    return full + (left > 1 or full == 0)


_Any = TypeVar("_Any", Batch, TargetBatch)


def _prefetch_to_gpu(
    made: Iterator[_Any], parts: list[Images], device: torch.device
) -> Iterator[_Any]:
    """Prefetch batches if some images have to be copied to a GPU."""
    away = any(part.x.device.type != device.type for part in parts)
    return prefetch(made, device) if device.type == "cuda" and away else made


def _parts(task: Task) -> list[Images]:
    parts = [task.source_train, task.target_train, task.shots]
    return [part for part in parts if part is not None]


def _batches(
    task: Task,
    sizes: tuple[int, int],
    seed: int,
    builder: InputBuilder,
    strong: bool,
    mix_shots: bool,
    balance: Balance | None,
    start: int,
) -> Iterator[Batch]:
    size, of_target = sizes
    random = strong or any(is_random(part.x, builder.augment) for part in _parts(task))
    shown = size // 2 if task.shots and mix_shots else 0
    sources = draw_source(task.source_train, size - shown, seed, balance)
    targets = draw_target(task.target_train, of_target, seed, balance)
    for step in count(start):
        if random:
            builder.views = generator(seed, VIEWS, step)
        source = builder.labeled(task.source_train, sources(step))
        target = builder.unlabeled(task.target_train, targets(step), strong)
        shots = None
        if task.shots:
            some = draw(len(task.shots), shown or size, step, seed, SHOTS)
            shots = builder.labeled(task.shots, some)
        if shots and shown:
            source, shots = join_labeled(source, shots, task.source_train.domain_count), None
        yield Batch(source, target, shots)


def _target_batches(
    images: Images, seed: int, builder: InputBuilder, draws: Rows, start: int
) -> Iterator[TargetBatch]:
    random = is_random(images.x, builder.augment)
    for step in count(start):
        if random:
            builder.views = generator(seed, VIEWS, step)
        yield TargetBatch(builder.unlabeled(images, draws(step)))


def prefetch(batches: Iterator[_Any], device: torch.device, ahead: int = 2) -> Iterator[_Any]:
    """Give the same batches, while a thread prepares the next ones on its own CUDA stream.

    Errors in the thread are raised here. The thread ends when the iterator is closed or deleted.

    Args:
        batches: Batches to prepare.
        device: Device of the batches; without CUDA there is no stream.
        ahead: How many batches are prepared at most.
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
                yield _await_batch(*prepared)
        finally:
            thread.shutdown(cancel_futures=True)


def _await_batch(batch: _Any, event: torch.cuda.Event | None) -> _Any:
    """Tell the current stream to wait for `batch`, and return it."""
    if event is not None:
        stream = torch.cuda.current_stream()
        stream.wait_event(event)
        for tensor in tensors(batch):
            # The stream that made the tensor must not reuse its memory while this one needs it.
            tensor.record_stream(stream)
    return batch


@lru_cache
def warn_of_copies(size: int, images: int) -> None:
    """Say on stderr, once a process, where a batch holds each image more often than `COPIES` times.

    Such a batch works as any other, since small domains are repeated to fill one. Its copies cost
    time and memory and teach little: only dropout and augmentation differ.

    Args:
        size: Images of a domain in a batch.
        images: Training images of the larger domain.
    """
    if size > COPIES * images:
        print(
            f"da: a batch of {size} shows each image {size // images} times or more in every step; "
            f"a batch of {images} costs less and learns about the same",
            file=sys.stderr,
        )


def place_near(x: StoredRows, device: torch.device) -> StoredRows:
    """Place stored images as near to `device` as they fit; what is no tensor stays where it is.

    They go to a GPU if they take at most half of its free memory. Otherwise they go to main memory,
    read once from start to end, if they take at most half of it. Otherwise they stay on disk.
    """
    if isinstance(x, JoinedPixels):
        return JoinedPixels(tuple(place_near(part, device) for part in x.parts))
    if not isinstance(x, Tensor):
        return x
    size = 2 * x.nbytes
    if device.type == "cuda" and size <= torch.cuda.mem_get_info(device)[0]:
        return x.to(device)
    if size <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"):
        _read(x)
    return x


def _read(x: Tensor) -> None:
    """Touch a value of every page, so that the system reads the file and keeps it in memory.

    Processes that read the same file share that memory; they would not share copies of it.
    """
    x.flatten()[:: 4096 // x.element_size()].sum()
