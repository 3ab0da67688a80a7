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

SMALL = 2**20
"""Below so many multiplications the call costs more than is won."""


class Linear(nn.Linear):
    """As PyTorch's, up to rounding; for one run, or under vmap for many."""

    def forward(self, x: Float[Tensor, "b i"]) -> Float[Tensor, "b o"]:
        """The products of rows and weights, and the bias."""
        if not _pays(x, self.weight):
            return super().forward(x)
        return _Product.apply(x, self.weight) + self.bias


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


class _Product(Function):
    """a bᵀ, differentiable any number of times; under vmap one product after another."""

    @staticmethod
    def forward(a: Tensor, b: Tensor) -> Tensor:
        if a.ndim == 2:
            return torch.ops.mkldnn._linear_pointwise(a, b, None, "none", [], "")
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
