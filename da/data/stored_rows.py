"""What code may ask of stored images or features, which need not lie in memory."""

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int, Shaped
from torch import Tensor


@runtime_checkable
class StoredRows(Protocol):
    """Images or features as they are stored, of which rows are read when they are taken.

    A tensor is one. Others decode files, or join several stored arrays without a copy.
    """

    @property
    def shape(self) -> torch.Size:
        """Number of rows, and the shape of each: `b h w c` of images, `b d` of features."""

    @property
    def dtype(self) -> torch.dtype:
        """Type of the numbers: uint8 of images."""

    @property
    def device(self) -> torch.device:
        """Device of what `index_select` returns, and of the rows that it is given."""

    @property
    def ndim(self) -> int:
        """Number of axes."""

    @property
    def nbytes(self) -> int:
        """Bytes of all rows as a tensor."""

    def __len__(self) -> int:
        """Return the number of rows."""

    def is_floating_point(self) -> bool:
        """Return whether these are features, and neither images nor texts."""

    def index_select(self, dim: int, index: Tensor, /) -> Tensor:
        """Copy some rows into a tensor; `dim` is 0."""


def take_first(x: StoredRows, count: int) -> Shaped[Tensor, "_ ..."]:
    """Return the first rows, at most `count`."""
    return x.index_select(0, torch.arange(min(count, len(x)), device=x.device))


def split_rows(
    x: StoredRows, size: int, start: int = 0, stop: int | None = None
) -> Iterator[Shaped[Tensor, "_ ..."]]:
    """Yield rows in order, `size` at a time; those of a tensor are not copied.

    Args:
        x: Stored rows.
        size: Number of rows that are yielded together.
        start: First row.
        stop: Row after the last, if there are so many; None for all.
    """
    stop = len(x) if stop is None else min(stop, len(x))
    if isinstance(x, Tensor):
        yield from x[start:stop].split(size)
        return
    for rows in torch.arange(start, stop, device=x.device).split(size):
        yield x.index_select(0, rows)


def take_rows(x: StoredRows, rows: Int[Tensor, "b"] | None) -> Shaped[Tensor, "b ..."]:
    """Return some rows, or all where `rows` is None; a tensor itself is not copied."""
    if rows is None:
        if isinstance(x, Tensor):
            return x
        rows = torch.arange(len(x))
    return x.index_select(0, rows.to(x.device))


@runtime_checkable
class CutRows(StoredRows, Protocol):
    """Stored images of which a part costs less than the whole."""

    def cut(self, row: int, box: tuple[int, int, int, int]) -> Shaped[Tensor, "_ _ 3"]:
        """Return a part of an image; see `cut_row`."""


def cut_row(x: StoredRows, row: int, box: tuple[int, int, int, int]) -> Shaped[Tensor, "_ _ c"]:
    """Return a part of an image, without a copy of the rest where that can be.

    Args:
        x: Stored images.
        row: Which image.
        box: First column and row of its pixels, and those after the last.
    """
    if isinstance(x, CutRows):
        return x.cut(row, box)
    left, top, right, bottom = box
    image = x[row] if isinstance(x, Tensor) else x.index_select(0, torch.tensor([row]))[0]
    return image[top:bottom, left:right]
