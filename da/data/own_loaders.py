"""Batches of two loaders of the user's: endless, each of full size, on one device."""

from collections.abc import Iterable, Iterator
from itertools import count
from typing import Any

import torch
from torch import Tensor

from da.data.batch import Batch, Labeled, Unlabeled


def pair_loaders(
    source: Iterable[Any], target: Iterable[Any], device: torch.device, classes: int
) -> Iterator[Batch]:
    """Give endless batches of two loaders, each of which is read again where it ends.

    Every batch of a loader has as many images as its first one: images of a short last batch are
    joined with the next ones. What a target loader gives after its images is not looked at.

    Args:
        source: Loader of pairs of images and class numbers.
        target: Loader of images, alone or first in a tuple or list.
        device: Device of the batches; pinned memory is copied to a GPU while it computes.
        classes: Number of classes.

    Raises:
        ValueError: If a loader gives nothing, or something else.
    """
    at = 0
    labeled = _full_batches(_source_parts(source, classes), "source_loader")
    unlabeled = _full_batches(_target_parts(target), "target_loader")
    for (x_s, y_s), (x_t,) in zip(labeled, unlabeled, strict=False):
        index, at = torch.arange(at, at + len(x_t)), at + len(x_t)
        x_s, y_s, x_t, index = (x.to(device, non_blocking=True) for x in (x_s, y_s, x_t, index))
        yield Batch(Labeled(x_s, y_s.long()), Unlabeled(x_t, index))


def _source_parts(loader: Iterable[Any], classes: int) -> Iterator[tuple[Tensor, ...]]:
    for item in _endless(loader, "source_loader"):
        pair = tuple(item[:2]) if isinstance(item, tuple | list) else ()
        if len(pair) < 2 or not all(isinstance(x, Tensor) for x in pair):
            raise ValueError("source_loader gives pairs of two tensors: images and class numbers")
        _check_labels(pair[1], classes)
        yield pair


def _check_labels(y: Tensor, classes: int) -> None:
    """Check the labels of a batch; values on a GPU are not looked at, which would wait for it.

    Raises:
        ValueError: If they are no class numbers.
    """
    if y.ndim != 1:
        raise ValueError(f"source_loader gives labels of shape {tuple(y.shape)}, known: one each")
    wrong = [] if y.is_cuda else y[(y < 0) | (y >= classes) | (y != y.long())].tolist()
    if wrong:
        raise ValueError(
            f"source_loader gives the label {wrong[0]}, known: whole numbers below {classes}, "
            "which is classes"
        )


def _target_parts(loader: Iterable[Any]) -> Iterator[tuple[Tensor, ...]]:
    for item in _endless(loader, "target_loader"):
        x = item[0] if isinstance(item, tuple | list) else item
        if not isinstance(x, Tensor):
            raise ValueError("target_loader gives tensors of images, alone or first in a tuple")
        yield (x,)


def _endless(loader: Iterable[Any], name: str) -> Iterator[Any]:
    """Read a loader again and again.

    Raises:
        ValueError: If it gives nothing, perhaps since it can be read only once.
    """
    for epoch in count():
        empty = True
        for item in loader:
            empty = False
            yield item
        if empty:
            again = " a second time: give a DataLoader, not an iterator" * (epoch > 0)
            raise ValueError(f"{name} gives no batch{again}")


def _full_batches(parts: Iterator[tuple[Tensor, ...]], name: str) -> Iterator[tuple[Tensor, ...]]:
    """Join and cut batches to the size of the first."""
    held: tuple[Tensor, ...] = ()
    size = 0
    for some in parts:
        if any(len(x) != len(some[0]) for x in some):
            raise ValueError(f"{name} gives {len(some[0])} images with {len(some[1])} labels")
        held = tuple(map(torch.cat, zip(held, some, strict=True))) if held else some
        size = size or len(held[0])
        while held and len(held[0]) >= size:
            yield tuple(x[:size] for x in held)
            held = tuple(x[size:] for x in held) if len(held[0]) > size else ()
