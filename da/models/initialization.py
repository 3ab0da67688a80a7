"""Initial weights of neck, classifiers and discriminators, as authors' code draws them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from da.config.network import InitAs
from da.ops.linear import WeightNormLinear


@dataclass(frozen=True)
class _Law:
    """How the weights and the biases of linear layers are drawn."""

    std: float | None
    """Standard deviation of the weights; 0 for Xavier's, of a normal distribution, None to stay."""
    bias: float = 0.0
    bias_std: float = 0.0


@dataclass(frozen=True)
class _Laws:
    neck: _Law
    others: _Law
    norm_std: float = 0.0
    """Standard deviation of the scales of norms around 1; 0 leaves them 1."""


LAWS = {
    "cdan": _Laws(_Law(0), _Law(0), norm_std=0.02),
    "mdd": _Laws(_Law(0.005, bias=0.1), _Law(0.01)),
    "safn": _Laws(_Law(0.01, bias_std=0.01), _Law(0.01, bias_std=0.01), norm_std=0.01),
    "shot": _Laws(_Law(0), _Law(None)),
    "pada": _Laws(_Law(0.005), _Law(0.01)),
}
"""What authors' code does, by `Network.init_as`.

cdan: `init_weights` of pytorch/network.py, thuml/CDAN (Long et al. 2018). mdd: `MDDNet` of
model/MDD.py, thuml/MDD (Zhang et al. 2019). safn: `weights_init` of utils, jihanyang/AFN (Xu et al.
2019). shot: `init_weights` of object/network.py, tim-learn/SHOT (Liang et al. 2020), which changes
no weight under a weight norm, only the bias. pada: pytorch/src/network.py, thuml/PADA (Cao et al.
2018).
"""


@torch.no_grad()
def draw_weights(part: nn.Module, init_as: InitAs, *, neck: bool = False) -> None:
    """Draw the weights of all linear layers and norms of a part anew; by default, leave them.

    Args:
        part: Part of a method.
        init_as: Whose code says how.
        neck: Whether the part is the neck.
    """
    if init_as == "default":
        return
    laws = LAWS[init_as]
    for layer in _own_weights(part):
        if isinstance(layer, nn.Linear):
            _draw_linear(layer, laws.neck if neck else laws.others)
        elif laws.norm_std:
            nn.init.normal_(layer.weight, 1, laws.norm_std)
            nn.init.zeros_(layer.bias)


def draw_rest(method: nn.Module, init_as: InitAs) -> None:
    """Draw the weights of all that a method adds to backbone, neck and head."""
    for name, part in method.named_children():
        if name not in ("backbone", "neck", "head"):
            draw_weights(part, init_as)


def _own_weights(part: nn.Module) -> Iterator[Any]:
    """Yield linear layers and norms whose weights are parameters: neither copies nor maps."""
    kinds = nn.Linear, nn.modules.batchnorm._BatchNorm
    for layer in part.modules():
        if isinstance(layer, kinds) and layer._parameters.get("weight") is not None:
            yield layer


def _draw_linear(layer: nn.Linear, law: _Law) -> None:
    if law.std:
        layer.weight.normal_(0, law.std)
    elif law.std is not None:
        nn.init.xavier_normal_(layer.weight)
    if layer.bias is not None:
        layer.bias.normal_(law.bias, law.bias_std)
    if isinstance(layer, WeightNormLinear):
        layer.length.copy_(layer.weight.norm(dim=1, keepdim=True))
