"""Folding of batch norms into convolutions: the same function in evaluation, with less work."""

from copy import deepcopy

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

TOLERANCE = 1e-4
"""Largest difference that counts as rounding, as a share of the largest feature."""


@torch.no_grad()
def fuse_batch_norms(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> nn.Module:
    """Return a copy of `network`, for evaluation, with batch norms folded into convolutions.

    `x` is an example of the input. The result is `network` itself where nothing can be folded, or
    where the copy gives other outputs: a network may be written in any way.
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
        copy.set_submodule(names[norm], _replacement(norm))
    return copy if pairs and _agree(copy(x), network(x)) else network


def _pairs(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> dict[nn.BatchNorm2d, nn.Conv2d]:
    """Map each batch norm to the convolution whose output, the same tensor, is its input."""
    made: dict[int, tuple[nn.Module, Tensor]] = {}
    pairs: dict[nn.BatchNorm2d, nn.Conv2d] = {}

    def leave(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        made[id(output)] = module, output  # stored, so that no other tensor gets its id

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
    """Tell whether this is a batch norm with running statistics and no unknown extra behavior."""
    known = type(module) is nn.BatchNorm2d or hasattr(module, "act")
    return isinstance(module, nn.BatchNorm2d) and module.running_var is not None and known


def _replacement(norm: nn.BatchNorm2d) -> nn.Module:
    """Return what replaces `norm`: the activation inside timm's batch norm, or the identity."""
    return getattr(norm, "act", None) or nn.Identity()


def _agree(a: Shaped[Tensor, "*_"], b: Shaped[Tensor, "*_"]) -> bool:
    return bool((a - b).abs().max() <= TOLERANCE * b.abs().max())
