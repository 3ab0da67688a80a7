"""Distances and operators that methods share. Each function is one equation of one paper."""

import math

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd import Function


class _ReverseGradient(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, scale):
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.scale = inputs[1]

    @staticmethod
    def backward(ctx, grad):
        return -ctx.scale * grad, None


def reverse_gradient(x: Float[Tensor, "*shape"], scale: float = 1.0) -> Float[Tensor, "*shape"]:
    """Identity whose gradient is multiplied by `-scale` (Ganin et al. 2016, section 4.2)."""
    return _ReverseGradient.apply(x, scale)


def grl_warmup(progress: float) -> float:
    """Reversal strength from 0 at the start to 1 at the end (Ganin et al. 2016, section 5.2.2)."""
    return 2 / (1 + math.exp(-10 * progress)) - 1


def covariance(f: Float[Tensor, "b d"]) -> Float[Tensor, "d d"]:
    """Unbiased covariance of the rows of `f`, in float32 or wider; needs b > 1."""
    f = _wide(f)
    f = f - f.mean(0)
    return f.mT @ f / (len(f) - 1)


def coral(f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Squared distance of the two covariances over 4d² (Sun & Saenko 2016, eq. 1)."""
    with torch.autocast(f_s.device.type, enabled=False):
        gap = covariance(f_s) - covariance(f_t)
        return gap.square().sum() / (4 * f_s.shape[1] ** 2)


def entropy(p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Shannon entropy of each row of class probabilities, in nats."""
    return torch.special.entr(p).sum(1)


def class_confusion(logits: Float[Tensor, "b k"], temperature: float) -> Float[Tensor, ""]:
    """How far predictions waver between classes, 0 to 1 (Jin et al. 2020, section 3).

    Images count by how certain they are, and no gradient flows through that.
    """
    p = (_wide(logits) / temperature).softmax(1)
    certainty = 1 + (-entropy(p.detach())).exp()
    weight = len(p) * certainty / certainty.sum()
    with torch.autocast(logits.device.type, enabled=False):
        confusion = torch.einsum("b,bi,bj->ij", weight, p, p)
    confusion = confusion / confusion.sum(1, keepdim=True)
    return (confusion.sum() - confusion.trace()) / p.shape[1]


def matrix_power(a: Float[Tensor, "d d"], exponent: float) -> Float[Tensor, "d d"]:
    """A power of a symmetric positive definite matrix, by its eigenvalues."""
    values, vectors = torch.linalg.eigh(a)
    return (vectors * values.clamp_min(1e-12) ** exponent) @ vectors.mT


def _wide(x: Float[Tensor, "*shape"]) -> Float[Tensor, "*shape"]:
    """In float32 where it comes in half precision, which sums of squares overflow."""
    return x.float() if x.dtype in (torch.float16, torch.bfloat16) else x
