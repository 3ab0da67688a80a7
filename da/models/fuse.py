"""Batch norm folded into the convolution before it: the same function in evaluation, less work."""

from copy import deepcopy

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

TOLERANCE = 1e-4
"""Largest difference that counts as rounding, as a share of the largest feature."""


@torch.no_grad()
def fuse_batch_norms(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> nn.Module:
    """A copy of `network`, for evaluation, with batch norms folded into convolutions.

    `x` is an example of its input. `network` itself is given back where nothing can be folded, or
    where the copy gives other outputs: nothing is assumed of how a network is written.
    """
    assert not network.training
    copy = deepcopy(network)
    pairs = _pairs(copy, x)
    names = {module: name for name, module in copy.named_modules()}
    for norm, conv in pairs.items():
        conv.weight, conv.bias = fuse_conv_bn_weights(
            conv.weight,
            conv.bias,
            norm.running_mean,  # type: ignore[arg-type]
            norm.running_var,  # type: ignore[arg-type]
            norm.eps,
            norm.weight,
            norm.bias,
        )
        copy.set_submodule(names[norm], _rest(norm))
    return copy if pairs and _agree(copy(x), network(x)) else network


def _pairs(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> dict[nn.BatchNorm2d, nn.Conv2d]:
    """Each batch norm whose very input is what a convolution gave, and that convolution."""
    made: dict[int, tuple[nn.Module, Tensor]] = {}
    pairs: dict[nn.BatchNorm2d, nn.Conv2d] = {}

    def leave(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made[id(output)] = module, output  # kept, so that no other tensor gets its id

    def enter(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        conv, _ = made.get(id(inputs[0]), (None, None))
        if isinstance(module, nn.BatchNorm2d) and isinstance(conv, nn.Conv2d):
            pairs[module] = conv

    hooks = [
        m.register_forward_hook(leave) for m in network.modules() if isinstance(m, nn.Conv2d)
    ] + [m.register_forward_pre_hook(enter) for m in network.modules() if _foldable(m)]
    network(x)
    for hook in hooks:
        hook.remove()
    return pairs


def _foldable(module: nn.Module) -> bool:
    """Whether it is batch norm by statistics of the training, and what else it does is known."""
    known = type(module) is nn.BatchNorm2d or hasattr(module, "act")
    return isinstance(module, nn.BatchNorm2d) and module.running_var is not None and known


def _rest(norm: nn.BatchNorm2d) -> nn.Module:
    """What is left of it: the activation that timm's batch norm holds, or nothing."""
    return getattr(norm, "act", None) or nn.Identity()


def _agree(a: Shaped[Tensor, "*_"], b: Shaped[Tensor, "*_"]) -> bool:
    return bool((a - b).abs().max() <= TOLERANCE * b.abs().max())
