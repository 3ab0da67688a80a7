"""Matrix products by the faster of the CPU's two matrix libraries.

PyTorch multiplies float32 matrices with MKL, which reaches half of the speed of an AMD core with
AVX-512. It multiplies everything else with oneDNN, which reaches most of that speed.
"""

from functools import lru_cache
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function

SMALL = 2**20
"""Multiplications of a linear layer below which calling oneDNN costs more than it saves."""
LARGE = 2**23
"""The same limit for a plain product: PyTorch's own call costs less there than in a layer."""


def matmul(a: Float[Tensor, "*g n k"], b: Float[Tensor, "*g k m"]) -> Float[Tensor, "*g n m"]:
    """Multiply `a` by `b`, equal to PyTorch up to rounding; differentiable any number of times."""
    exporting = torch.compiler.is_exporting()  # a file takes any number of rows
    if exporting or not (a.ndim == b.ndim == 2 and a.numel() * b.shape[1] >= LARGE):
        return a @ b
    if not onednn_pays(a, b):
        return a @ b
    if b.shape[1] < len(a):  # oneDNN is slow where the second matrix has few columns
        return onednn_product(b.mT, a).mT
    return onednn_product(a, b.mT)


def onednn_pays(a: Tensor, b: Tensor) -> bool:
    """Tell whether oneDNN multiplies the rows of `a` by all of `b` faster than PyTorch's choice."""
    return (
        not torch.compiler.is_exporting()  # an exported file may run on any machine
        and len(a) * b.numel() >= SMALL
        and a.device.type == "cpu"
        and a.dtype == b.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and mkl_is_slow()
    )


@lru_cache
def mkl_is_slow() -> bool:
    """Tell whether this processor is one that MKL was not made for: AMD with AVX-512."""
    if torch.backends.cpu.get_cpu_capability() != "AVX512" or not torch.backends.mkldnn.enabled:
        return False
    about = Path("/proc/cpuinfo")
    return about.exists() and "AuthenticAMD" in about.read_text()


def onednn_affine(a: Tensor, b: Tensor, bias: Tensor | None = None) -> Tensor:
    """Return a bᵀ + bias, computed by oneDNN without recording gradients.

    Args:
        a: Matrix of rows, such as images.
        b: Matrix that is transposed, such as the weights of a layer.
        bias: Numbers that are added to each row; None to add nothing.
    """
    return torch.ops.mkldnn._linear_pointwise.default(a, b, bias, "none", [], "")


def onednn_product(a: Tensor, b: Tensor) -> Tensor:
    """Return a bᵀ, computed by oneDNN; differentiable any number of times."""
    return _Product.apply(a, b)


class _Product(Function):
    """a bᵀ; under vmap, one product after the other."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        if a.ndim == 2:
            return onednn_affine(a, b)
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
            onednn_product(grad, b.mT) if of_a else None,
            onednn_product(grad.mT, a.mT) if of_b else None,
        )

    @staticmethod
    def vmap(info, in_dims, a, b):
        a, b = (
            x.expand(info.batch_size, *x.shape) if at is None else x.movedim(at, 0)
            for x, at in zip((a, b), in_dims, strict=True)
        )
        return onednn_product(a, b), 0
