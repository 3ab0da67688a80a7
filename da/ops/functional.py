"""Losses, distances and operators that methods share, each one equation of one paper."""

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
"""A number; a tensor where it is on a GPU, or where runs that train together have one each."""


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
    """Return `x`, and multiply its gradient by `-scale` (Ganin et al. 2016, section 4.2)."""
    return _ReverseGradient.apply(x, torch.as_tensor(scale))


def grl_warmup(progress: Scalar, steepness: float = 10.0) -> Scalar:
    """Return the strength of gradient reversal, which rises from 0 to 1 during training.

    The formula is that of Ganin et al. 2016, section 5.2.2, where `steepness` is called gamma.
    """
    if isinstance(progress, Tensor):
        return 2 * torch.sigmoid(steepness * progress) - 1
    return 2 / (1 + math.exp(-steepness * progress)) - 1


def coral(f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
    """Return the squared distance of the two covariances over 4d² (Sun & Saenko 2016, eq. 1).

    Where images are fewer than features, it is computed from inner products of images.
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
    """Return the Shannon entropy of each row of class probabilities, in nats."""
    return torch.special.entr(p).sum(1)


def entropy_weights(p: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Weight images by how certain their class probabilities are (Long et al. 2018).

    A weight is 1 + exp(-entropy), divided by the mean of all weights. No gradient flows through
    that mean.
    """
    p = upcast(p)
    p = p.clamp_min(torch.finfo(p.dtype).tiny)  # at 0 the entropy has no finite gradient
    certainty = 1 + (-entropy(p)).exp()
    return certainty / certainty.detach().mean()


def prediction_entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Return the Shannon entropy of each prediction, in nats (Grandvalet & Bengio 2004).

    It is computed from log-probabilities: its gradient stays finite where the probability of a
    class is 0.
    """
    log_p = upcast(logits).log_softmax(1)
    return -(log_p.exp() * log_p).sum(1)


def marginal_entropy(logits: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Return the Shannon entropy of the mean prediction, in nats.

    It is high where classes are predicted evenly. Minus the mean of `prediction_entropy`, it is
    the mutual information of image and predicted class (Krause et al. 2010).
    """
    log_p = upcast(logits).log_softmax(1).logsumexp(0) - math.log(len(logits))
    return -(log_p.exp() * log_p).sum()


def nuclear_norm(p: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Return the sum of the singular values of `p` over its number of rows (Cui et al. 2020)."""
    with torch.autocast(p.device.type, enabled=False), one_thread():
        p, zero = zero_non_finite(upcast(p))
        return (torch.linalg.svdvals(p).sum() + zero) / len(p)


def confident_cross_entropy(
    logits: Float[Tensor, "b k"], guide: Float[Tensor, "b k"], threshold: Scalar
) -> Float[Tensor, ""]:
    """Return the cross-entropy with the classes that `guide` predicts (Sohn et al. 2020).

    Only images with a confident prediction by `guide` count, but the sum is divided by the number
    of all images. No gradient flows to `guide`.

    Args:
        logits: Class logits that are trained.
        guide: Class logits of the same images that give the labels.
        threshold: Least probability, 0 to 1, of the class that `guide` predicts.
    """
    confidence, y = upcast(guide).softmax(1).max(1)
    loss = F.cross_entropy(logits, y, reduction="none")
    return (loss * (confidence >= threshold)).mean()


def multilinear(f: Float[Tensor, "b d"], p: Float[Tensor, "b k"]) -> Float[Tensor, "b d*k"]:
    """Return every product of a feature and a class probability (Long et al. 2018)."""
    return (f[:, :, None] * p[:, None, :]).flatten(1)


def randomized_multilinear(
    f: Float[Tensor, "b d"],
    p: Float[Tensor, "b k"],
    r_f: Float[Tensor, "d r"],
    r_p: Float[Tensor, "k r"],
) -> Float[Tensor, "b r"]:
    """Approximate `multilinear` by shorter random vectors (Long et al. 2018).

    On average over `r_f` and `r_p`, the vectors have the same inner products as those of
    `multilinear`.

    Args:
        f: Features.
        p: Class probabilities.
        r_f: Random matrix for features: independent entries with mean 0 and variance 1.
        r_p: Random matrix for class probabilities: entries as in `r_f`.
    """
    return (f @ r_f) * (p @ r_p) / r_f.shape[1] ** 0.5


def cross_entropy(
    logits: Float[Tensor, "b k"], y: Int[Tensor, "b"], smoothing: float = 0.0
) -> Float[Tensor, ""]:
    """Return the mean cross-entropy with classes `y`, with label smoothing.

    Under vmap it is computed here: PyTorch's own function would go through Python and import an
    algebra system, which takes 1 s.

    Args:
        logits: Class logits.
        y: Classes.
        smoothing: Share of each label that is spread over all classes; 0 for no smoothing.
    """
    if not under_transforms():
        return F.cross_entropy(logits, y, label_smoothing=smoothing)
    log_p = upcast(logits).log_softmax(1)
    right = log_p.gather(1, y[:, None]).mean()
    return -(1 - smoothing) * right - smoothing * log_p.mean()


def discrepancy(p: Float[Tensor, "b k"], q: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Return the mean absolute difference of class probabilities (Saito et al. 2018)."""
    return (p - q).abs().mean()


def class_confusion(logits: Float[Tensor, "b k"], temperature: Scalar) -> Float[Tensor, ""]:
    """Measure how much predictions confuse classes, 0 to 1 (Jin et al. 2020, section 3).

    Images are weighted by how certain their predictions are. No gradient flows through the
    weights.
    """
    p = (upcast(logits) / temperature).softmax(1)
    weight = entropy_weights(p.detach())
    with torch.autocast(logits.device.type, enabled=False):
        confusion = (weight[:, None] * p).mT @ p
    confusion = confusion / confusion.sum(1, keepdim=True)
    return (confusion.sum() - confusion.diagonal().sum()) / p.shape[1]


def cross_entropy_against(logits: Float[Tensor, "b k"], y: Int[Tensor, "b"]) -> Float[Tensor, ""]:
    """Return the mean of -log(1 - p), where p is the probability of `y` (Zhang et al. 2019).

    It is small where class `y` is ruled out. It is finite for any finite logits, since 1 - p is
    the sum over the other classes.
    """
    others = logits.scatter(1, y[:, None], -torch.inf)
    return (logits.logsumexp(1) - others.logsumexp(1)).mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor], f: Float[Tensor, "b d"]
) -> Float[Tensor, ""]:
    """Penalize slopes of `critic` that differ from 1 (Gulrajani et al. 2017).

    The penalty is the mean squared difference from 1 of the gradient norm at the rows of `f`, in
    float32 or wider.
    """
    with torch.enable_grad(), torch.autocast(f.device.type, enabled=False):
        f = upcast(f).detach().requires_grad_()
        (slopes,) = torch.autograd.grad(critic(f).sum(), f, create_graph=True)
        return (slopes.norm(dim=1) - 1).square().mean()


def under_transforms() -> bool:
    """Tell whether this code runs under vmap, as many runs do, or another torch.func transform."""
    return torch._C._are_functorch_transforms_active()
