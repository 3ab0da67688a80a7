"""Mixtures of images of a batch (Zhang et al. 2018)."""

import torch
from jaxtyping import Float, Shaped
from torch import Tensor
from torch.distributions import Beta


def mix(
    x: Shaped[Tensor, "b ..."], order: Tensor, share: Float[Tensor, "b"]
) -> Shaped[Tensor, "b ..."]:
    """Mix each row with another.

    Args:
        x: Rows: images, features or labels.
        order: Place of the row that is mixed in.
        share: Share of the row itself.

    Raises:
        ValueError: The rows are no numbers to be mixed, as the tokens of a text.
    """
    if not x.is_floating_point():
        raise ValueError("texts cannot be mixed: use regime frozen, whose features can")
    share = share.to(x).reshape(-1, *[1] * (x.ndim - 1))
    return share * x + (1 - share) * x[order]


def draw_mixture(count: int, alpha: float, like: Tensor) -> tuple[Tensor, Float[Tensor, "_"]]:
    """Draw a partner of each row, and the share of the row itself from a Beta distribution.

    Args:
        count: Number of rows.
        alpha: Both parameters of the Beta distribution; 0 for no mixture.
        like: Tensor on the device that draws.
    """
    order = torch.randperm(count, device=like.device)
    if not alpha:
        return order, torch.ones(count, device=like.device)
    both = torch.full((count,), alpha, device=like.device)
    return order, Beta(both, both, validate_args=False).sample()
