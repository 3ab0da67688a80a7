"""How often models predict the same class."""

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor


def count_agreements(predicted: Sequence[Int[Tensor, "m"]]) -> Float[Tensor, "n n"]:
    """Return the share of images on which each of n models agrees with each other one."""
    every = torch.stack([*predicted])
    return torch.stack([(every == one).double().mean(1) for one in every])
