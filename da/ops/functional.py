"""Distances and operators that methods share. Each function is one equation of one paper."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd import Function

from da.ops.linalg import covariance, covariance_root, zero_non_finite
from da.ops.matmul import matmul
from da.ops.precision import upcast
from da.system.threads import one_thread

Scalar = float | Float[Tensor, ""]
"""A number; as a tensor where runs that train together have one each, or where it is on a GPU."""


class _ReverseGradient(Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x, scale):
        return x.view_as(x)

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(inputs[1])

    @staticmethod
    def backward(ctx, grad):
        (scale,) = ctx.saved_tensors
        return -scale * grad, None


def reverse_gradient(x: Float[Tensor, "*shape"], scale: Scalar = 1.0) -> Float[Tensor, "*shape"]:
    """Identity whose gradient is multiplied by `-scale` (Ganin et al. 2016, section 4.2)."""
    return _ReverseGradient.apply(x, torch.as_tensor(scale))


def grl_warmup(progress: Scalar, steepness: float = 10.0) -> Scalar:
    """Reversal strength from 0 at the start to 1 at the end (Ganin et al. 2016, section 5.2.2).

    `steepness` is gamma there.
    """
    if isinstance(progress, Tensor):
        return 2 * torch.sigmoid(steepness * progress) - 1
    return 2 / (1 + math.exp(-steepness * progress)) - 1


def coral(f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Squared distance of the two covariances over 4d² (Sun & Saenko 2016, eq. 1).

    By inner products of images where these are fewer than features.
    """
    n, d = f_s.shape
    with torch.autocast(f_s.device.type, enabled=False):
        if n + len(f_t) > d:
            squared = (covariance(f_s) - covariance(f_t)).square().sum()
        else:
            f = torch.cat([covariance_root(f_s), covariance_root(f_t)])
            sign = torch.cat([f.new_ones(n), -f.new_ones(len(f_t))])
            squared = sign @ matmul(f, f.mT).square() @ sign
        return squared / (4 * d**2)


def entropy(p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Shannon entropy of each row of class probabilities, in nats."""
    return torch.special.entr(p).sum(1)


def entropy_weights(p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Weights of images, larger where class probabilities are certain (Long et al. 2018).

    1 + exp(-entropy), over its mean, through which no gradient flows.
    """
    p = upcast(p)
    p = p.clamp_min(torch.finfo(p.dtype).tiny)  # where it is 0, entropy has no finite gradient
    certainty = 1 + (-entropy(p)).exp()
    return certainty / certainty.detach().mean()


def prediction_entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Shannon entropy of each prediction, in nats (Grandvalet & Bengio 2004).

    By logarithms, so that its gradient is finite where a class has no probability left.
    """
    log_p = upcast(logits).log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)


def marginal_entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Shannon entropy of the mean prediction, in nats: how evenly classes are predicted.

    Less the mean of `prediction_entropy`, it is the mutual information of image and predicted
    class (Krause et al. 2010).
    """
    log_p = upcast(logits).log_softmax(1).logsumexp(0) - math.log(len(logits))
    return -(log_p.exp() * log_p).sum()


def nuclear_norm(p: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Sum of the singular values over the number of rows (Cui et al. 2020)."""
    with torch.autocast(p.device.type, enabled=False), one_thread():
        p, zero = zero_non_finite(upcast(p))
        return (torch.linalg.svdvals(p).sum() + zero) / len(p)


def confident_cross_entropy(
    logits: Float[Tensor, "b k"], guide: Float[Tensor, "b k"], threshold: Scalar
) -> Float[Tensor, ""]:
    """Cross-entropy with the classes that the logits `guide` predict (Sohn et al. 2020).

    Of images where these have a probability of at least `threshold`, over the number of all
    images. No gradient flows to `guide`.
    """
    confidence, y = upcast(guide).softmax(1).max(1)
    loss = F.cross_entropy(logits, y, reduction="none")
    return (loss * (confidence >= threshold)).mean()


def multilinear(f: Float[Tensor, "b d"], p: Float[Tensor, "b k"]) -> Float[Tensor, "b d*k"]:
    """Every product of a feature and a class probability (Long et al. 2018)."""
    return (f[:, :, None] * p[:, None, :]).flatten(1)


def randomized_multilinear(
    f: Float[Tensor, "b d"],
    p: Float[Tensor, "b k"],
    r_f: Float[Tensor, "d r"],
    r_p: Float[Tensor, "k r"],
) -> Float[Tensor, "b r"]:
    """Vectors whose inner products are, on average, those of `multilinear` (Long et al. 2018).

    On average over `r_f` and `r_p`, of independent entries with mean 0 and variance 1.
    """
    return (f @ r_f) * (p @ r_p) / r_f.shape[1] ** 0.5


def cross_entropy(
    logits: Float[Tensor, "b k"], y: Int[Tensor, "b"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Mean cross-entropy with classes `y`, a share of each label spread over all classes.

    Under vmap PyTorch's goes through Python, and imports an algebra system for it: 1 s.
    """
    if not under_transforms():
        return F.cross_entropy(logits, y, label_smoothing=smoothing)
    log_p = upcast(logits).log_softmax(1)
    right = log_p.gather(1, y[:, None]).mean()
    return -(1 - smoothing) * right - smoothing * log_p.mean()


def discrepancy(p: Float[Tensor, "b k"], q: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Mean absolute difference of class probabilities (Saito et al. 2018)."""
    return (p - q).abs().mean()


def class_confusion(logits: Float[Tensor, "b k"], temperature: Scalar) -> Float[Tensor, ""]:
    """How far predictions waver between classes, 0 to 1 (Jin et al. 2020, section 3).

    Images count by how certain they are, and no gradient flows through that.
    """
    p = (upcast(logits) / temperature).softmax(1)
    weight = entropy_weights(p.detach())
    with torch.autocast(logits.device.type, enabled=False):
        confusion = (weight[:, None] * p).mT @ p
    confusion = confusion / confusion.sum(1, keepdim=True)
    return (confusion.sum() - confusion.trace()) / p.shape[1]


def cross_entropy_against(logits: Float[Tensor, "b k"], y: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    """Mean of -log(1 - p) of class `y`: small where it is ruled out (Zhang et al. 2019).

    Finite for any finite logits, as the other classes' are added up.
    """
    others = logits.scatter(1, y[:, None], -torch.inf)
    return (logits.logsumexp(1) - others.logsumexp(1)).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], f: Float[Tensor, "b d"]
) -> Float[Tensor, ""]:
    """How far the slopes of `critic` at the rows of `f` are from 1 (Gulrajani et al. 2017).

    Mean squared difference; in float32 or wider.
    """
    with torch.enable_grad(), torch.autocast(f.device.type, enabled=False):
        f = upcast(f).detach().requires_grad_()
        (slopes,) = torch.autograd.grad(critic(f).sum(), f, create_graph=True)
        return (slopes.norm(dim=1) - 1).square().mean()


def under_transforms() -> bool:
    """Whether the code that runs is that of many runs under vmap, or another of torch.func's."""
    return torch._C._are_functorch_transforms_active()
