"""A pass over all target images, for methods that compute something of them now and then."""

from collections.abc import Callable

import torch
from jaxtyping import Shaped
from torch import Tensor

from da.data.domain import Images
from da.methods.base import Method


@torch.no_grad()
def over_target(
    method: Method, target: Images, function: Callable[[Tensor], Tensor]
) -> Shaped[Tensor, "m _"]:
    """Return what a function of images gives for all target images, in evaluation mode.

    Args:
        method: Method that the function is of.
        target: All target images.
        function: Such as `method.predict`.
    """
    place = next(method.head.parameters()).device
    parts = torch.arange(len(target)).split(256)
    with method.evaluation_mode():
        return torch.cat([function(target.to_input(i, place)).float() for i in parts])
