"""Linear layers whose products take the faster of the CPU's two libraries.

PyTorch multiplies float32 matrices with MKL, which uses half of what an AMD core with AVX-512 can
do; oneDNN, which it multiplies everything else with, uses most of it.
"""

from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.autograd import Function

from da.functional import under_transforms

SMALL = 2**20
"""Below so many multiplications the call costs more than is won."""


class Linear(nn.Linear):
    """As PyTorch's, up to rounding; for one run, or under vmap for many."""

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """The products of rows and weights, and the bias."""
        if not _pays(x, self.weight):
            return super().forward(x)
        if under_transforms():
            return _Product.apply(x, self.weight) + self.bias
        return _Affine.apply(x, self.weight, self.bias)


def _pays(x: Tensor, weight: Tensor) -> bool:
    return (
        not torch.compiler.is_exporting()  # to machines of which nothing is known
        and len(x) * weight.numel() >= SMALL
        and x.device.type == "cpu"
        and x.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and mkl_is_slow()
    )


@lru_cache
def mkl_is_slow() -> bool:
    """Whether this processor is one that MKL was not made for."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not torch.backends.mkldnn.enabled:
        return False
    about = Path("/proc/cpuinfo")
    return about.exists() and "AuthenticAMD" in about.read_text()


def _product(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """a bᵀ + bias."""
    return torch.ops.mkldnn._linear_pointwise.default(a, b, bias, "none", [], "")


class _Affine(Function):
    """a bᵀ + bias, differentiable any number of times, for one run: PyTorch calls Functions that
    know vmap more slowly.
    """

    @staticmethod
    def forward(ctx, a: Tensor, b: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(a, b)
        return _product(a, b, bias)

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        of_a, of_b, of_bias = ctx.needs_input_grad
        multiply = _Product.apply if torch.is_grad_enabled() else _product
        return (
            multiply(grad, b.mT) if of_a else None,
            multiply(grad.mT, a.mT) if of_b else None,
            grad.sum(0) if of_bias else None,
        )


class _Product(Function):
    """a bᵀ, differentiable any number of times; under vmap one product after another."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        if a.ndim == 2:
            return _product(a, b)
        out = a.new_empty(*a.shape[:2], b.shape[1])
        for one, x, y in zip(out, a, b, strict=True):
            one.copy_(_Product.forward(x, y))
        return out

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        a, b = ctx.saved_tensors
        of_a, of_b = ctx.needs_input_grad
        return (
            _Product.apply(grad, b.mT) if of_a else None,
            _Product.apply(grad.mT, a.mT) if of_b else None,
        )

    @staticmethod
    def vmap(info, in_dims, a, b):
        a, b = (
            x.expand(info.batch_size, *x.shape) if at is None else x.movedim(at, 0)
            for x, at in zip((a, b), in_dims, strict=True)
        )
        return _Product.apply(a, b), 0
