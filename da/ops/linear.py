"""A linear layer that uses the faster of the CPU's two matrix libraries."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function

from da.ops.functional import under_transforms
from da.ops.matmul import onednn_affine, onednn_pays, onednn_product


class Linear(nn.Linear):
    """PyTorch's linear layer up to rounding, for one run or for many runs under vmap."""

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """Multiply the rows of `x` by the weights and add the bias."""
        if not onednn_pays(x, self.weight):
            return super().forward(x)
        if under_transforms():
            return onednn_product(x, self.weight) + self.bias
        return _Affine.apply(x, self.weight, self.bias)


class WeightNormLinear(nn.Linear):
    """A linear layer that learns the direction and the length of each output's weights apart.

    The weights are length * direction / |direction| (Salimans & Kingma 2016, eq. 2).
    """

    def __init__(self, layer: nn.Linear):
        super().__init__(layer.in_features, layer.out_features)
        self.weight, self.bias = layer.weight, layer.bias
        self.length = nn.Parameter(layer.weight.detach().norm(dim=1, keepdim=True))

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """Multiply the rows of `x` by the weights and add the bias."""
        return F.linear(x, self.length * F.normalize(self.weight, dim=-1), self.bias)


class _Affine(Function):
    """a bᵀ + bias for one run, differentiable any number of times.

    It does not support vmap, since PyTorch calls Functions that do more slowly.
    """

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return onednn_affine(a, b, bias)

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        of_a, of_b, of_bias = ctx.needs_input_grad
        multiply = onednn_product if torch.is_grad_enabled() else onednn_affine
        return (
            multiply(grad, b.mT) if of_a else None,
            multiply(grad.mT, a.mT) if of_b else None,
            grad.sum(0) if of_bias else None,
        )
