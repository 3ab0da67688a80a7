"""Low-rank changes of a network's linear layers, in place of changes of all their weights.

Hu et al. 2022, LoRA: Low-Rank Adaptation of Large Language Models, arXiv:2106.09685.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.ops.linear import Linear


class LoraLinear(nn.Linear):
    """A linear layer with weights W + B A, of which only A and B train (equation 3).

    Its state is that of a plain layer, with the sum as its weights: what is stored needs no LoRA.
    B is 0 at first and after weights are loaded. Differs from the paper: alpha is the rank, so that
    the sum has no factor.
    """

    lora_a: Float[Tensor, "r i"]
    lora_b: Float[Tensor, "o r"]

    def forward(self, x: Float[Tensor, "*b i"]) -> Float[Tensor, "*b o"]:
        """Return x (W + B A)ᵀ and the bias, without the sum of the weights."""
        return super().forward(x) + F.linear(F.linear(x, self.lora_a), self.lora_b)

    def _save_to_state_dict(self, state: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        super()._save_to_state_dict(state, prefix, keep_vars)
        del state[f"{prefix}lora_a"], state[f"{prefix}lora_b"]
        state[f"{prefix}weight"] = (self.weight + self.lora_b @ self.lora_a).detach()

    def _load_from_state_dict(
        self,
        state_dict: dict[str, Tensor],
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        *rest: Any,
    ) -> None:
        own = [f"{prefix}lora_a", f"{prefix}lora_b"]
        super()._load_from_state_dict(
            state_dict, prefix, local_metadata, strict, missing_keys, *rest
        )
        missing_keys[:] = [key for key in missing_keys if key not in own]
        with torch.no_grad():
            self.lora_b.zero_()


def add_lora(network: nn.Module, rank: int) -> None:
    """Turn the linear layers of a network, such as those of attention, into layers with LoRA.

    They stay the same objects, since other modules may hold them. PyTorch's MultiheadAttention
    does not call its layers, so those stay plain.

    Args:
        network: Network that is changed; its outputs stay the same.
        rank: Rank of the change of a layer's weights, at most that of its weights.

    Raises:
        ValueError: If the network has no linear layers.
    """
    linear = (m for m in network.modules() if isinstance(m, nn.Linear))
    layers = [layer for layer in linear if type(layer) in (nn.Linear, Linear)]
    if not layers:
        raise ValueError("moves lora needs linear layers, and this backbone has none, known: norm")
    for layer in layers:
        r = min(rank, *layer.weight.shape)
        layer.__class__ = LoraLinear
        layer.lora_a = nn.Parameter(layer.weight.new_empty(r, layer.in_features))
        layer.lora_b = nn.Parameter(layer.weight.new_zeros(layer.out_features, r))
        nn.init.kaiming_uniform_(layer.lora_a, a=math.sqrt(5))  # as in the authors' code


@torch.no_grad()
def merge_lora(network: nn.Module) -> None:
    """Turn layers with LoRA into plain ones of the same function."""
    for layer in network.modules():
        if isinstance(layer, LoraLinear):
            layer.weight += layer.lora_b @ layer.lora_a
            del layer.lora_a, layer.lora_b
            layer.__class__ = nn.Linear  # type: ignore[assignment]
