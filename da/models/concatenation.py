"""Several frozen backbones next to each other, written `a+b`."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.data.domain import Domain
from da.data.stored_rows import take_rows
from da.models.features import scale_rows


class Concatenation(nn.Module):
    """The features of several backbones, each scaled as it is alone, in one row.

    Args:
        backbones: Backbones that take the same images.
    """

    def __init__(self, backbones: Sequence[nn.Module]) -> None:
        super().__init__()
        self.backbones = nn.ModuleList(backbones)
        self.width = sum(backbone.width for backbone in backbones)  # type: ignore[misc]

    def forward(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Return features of images, which are bytes or numbers in 0..1."""
        return torch.cat([scale_rows(backbone(x).float()) for backbone in self.backbones], 1)


def concatenate_features(domains: Sequence[Domain]) -> Domain:
    """Return a domain with the features of the same images from several backbones in one row.

    Each part has a root mean square of 1, so that the row has it too, and a column is as large as
    with its backbone alone.
    """
    first, *others = domains
    return (
        replace(first, x=torch.cat([take_rows(d.x, None) for d in domains], -1))
        if others
        else first
    )
