"""Pass a batch through a backbone in parts, with the memory of one part and the step of all."""

from functools import partial

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.utils.checkpoint import checkpoint


def pass_in_parts(backbone: nn.Module, parts: int) -> None:
    """Let batches pass through a backbone in parts wherever gradients are needed.

    Each part passes once for its features and once more for its gradient, so that no more than one
    part is in memory. The losses see the features of the whole batch.

    Args:
        backbone: Backbone that is changed; copies of it do the same.
        parts: Number of parts.

    Raises:
        ValueError: Batch norm would see the statistics of a part.
    """
    moving = [m for m in backbone.modules() if isinstance(m, _BatchNorm)]
    if any(not getattr(norm, "held", False) for norm in moving):
        raise ValueError(
            f"accumulate {parts} with a backbone whose batch norm would see a part of the batch, "
            "known: 1, or a backbone without batch norm, such as a ViT or a ConvNeXt"
        )
    backbone.forward = partial(_forward, backbone, parts)


def _forward(backbone: nn.Module, parts: int, x: Tensor) -> Tensor:
    whole = partial(type(backbone).forward, backbone)
    if not torch.is_grad_enabled():
        return whole(x)
    return torch.cat([checkpoint(whole, part, use_reentrant=False) for part in x.chunk(parts)])
