"""Several domains as one: their images stay where they are stored."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Int, UInt8
from torch import Tensor

from da.data.domain import PARTS, Domain
from da.data.label_columns import require_same_classes
from da.data.stored_rows import StoredRows, cut_row


class JoinedPixels:
    """Stored images of several arrays of one shape, which are read as if they were one.

    These are `StoredRows`.
    """

    def __init__(self, parts: tuple[StoredRows, ...]):
        self.parts = parts
        self.counts = [len(part) for part in parts]
        self.shape = torch.Size([sum(self.counts), *parts[0].shape[1:]])
        self.dtype, self.ndim, self.device = parts[0].dtype, parts[0].ndim, parts[0].device
        self.nbytes = sum(part.nbytes for part in parts)
        self.ends = torch.tensor(self.counts).cumsum(0)

    def __len__(self) -> int:
        return self.shape[0]

    def is_floating_point(self) -> bool:
        """Return whether the values are no bytes."""
        return self.dtype.is_floating_point

    def index_select(self, dim: int, rows: Int[Tensor, "_"]) -> UInt8[Tensor, "_ h w c"]:
        """Copy some rows; `dim` is 0."""
        rows = rows.to(self.ends.device)
        taken = torch.empty((len(rows), *self.shape[1:]), dtype=self.dtype, device=self.device)
        of = torch.bucketize(rows, self.ends, right=True)
        for number, part in enumerate(self.parts):
            here = of == number
            own = rows[here] - (self.ends[number] - self.counts[number])
            taken[here.to(taken.device)] = part.index_select(0, own.to(part.device))
        return taken

    def cut(self, row: int, box: tuple[int, int, int, int]) -> UInt8[Tensor, "_ _ c"]:
        """Return a part of an image; see `cut_row`."""
        number = int(torch.bucketize(row, self.ends, right=True))
        return cut_row(self.parts[number], row - sum(self.counts[:number]), box)


def join_domains(task: str, names: Sequence[str], domains: Sequence[Domain]) -> Domain:
    """Return domains as one, with the images of each after those of the one before it.

    Args:
        task: The task's name, for messages.
        names: Names of the domains.
        domains: The domains; one is returned as it is.

    Raises:
        ValueError: They have other classes, or images of other sizes.
    """
    first, *others = each = (*domains,)
    if not others:
        return first
    require_same_classes(task, {n: d.classes for n, d in zip(names, each, strict=True)})
    sizes = {n: tuple(d.x.shape[1:]) for n, d in zip(names, each, strict=True)}
    if len({*sizes.values()}) > 1:
        raise ValueError(f"{task}: domains that are joined need images of one size, not {sizes}")
    starts = torch.tensor([0, *(len(domain.y) for domain in each)]).cumsum(0).tolist()
    rows = {
        part: torch.cat([d.rows[part] + start for d, start in zip(each, starts, strict=False)])
        for part in PARTS
    }
    columns = tuple(
        replace(column, y=torch.cat([domain.columns[place].y for domain in each]))
        for place, column in enumerate(first.columns)
    )
    arrays = tuple(domain.x for domain in each)
    return Domain(
        first.classes,
        _join_rows(arrays),
        torch.cat([domain.y for domain in each]),
        rows,
        hashlib.sha256(" ".join(domain.digest for domain in each).encode()).hexdigest(),
        first.resize,
        sum(domain.left_out for domain in each),
        columns,
        joined=each,
    )


def _join_rows(arrays: tuple[StoredRows, ...]) -> StoredRows:
    """Return several arrays as one; features, which are small, are copied."""
    tensors = [x for x in arrays if isinstance(x, Tensor) and x.is_floating_point()]
    return torch.cat(tensors) if len(tensors) == len(arrays) else JoinedPixels(arrays)
