"""Combine the predictions of several models of a task instead of choosing one."""

from collections.abc import Callable, Mapping, Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.ops.classifiers import apply_linear, fit_linear

CUTOFF = 0.1
"""Singular values below this share of the largest count as 0 where a matrix is inverted."""

STRENGTH = 1.0
"""Penalty of the classifier of domains, for outputs whose mean squared norm is 1."""

TINY = 1e-6
"""Least probability whose logarithm is taken."""

Weights = Float[Tensor, "a"]
"""Weight of each model, which may be negative."""


def mean_weights(pool: Sequence[Predictions]) -> Weights:
    """Return equal weights: the mean prediction, by which EnsV judges single models (2024)."""
    return torch.full((len(pool),), 1 / len(pool), dtype=torch.double)


def iwa_weights(pool: Sequence[Predictions], cutoff: float = CUTOFF) -> Weights:
    """Return the weights of least squares on the target (IWA, Dinu et al., ICLR 2023).

    With probabilities f of models i and j, they are c = G^+ v, where G_ij is the mean of f_i f_j
    over target images, and v_i that of the probability of the true class over source images, each
    weighed by the density ratio of target and source. Differs from the paper: that ratio is of the
    models' outputs, by a logistic regression of the domain, and the cutoff is larger, since a
    hundred source images determine few weights.

    Args:
        pool: Outputs of the models for the same images.
        cutoff: Singular values below this share of the largest count as 0.
    """
    source, target = (stack_probabilities(pool, domain) for domain in ("source", "target"))
    ratio = compare_outputs(source, target)
    gram = torch.einsum("ank,bnk->ab", target, target) / target.shape[1]
    true = source[:, torch.arange(len(ratio)), pool[0].source_y]
    return torch.linalg.pinv(gram, rtol=cutoff, hermitian=True) @ (true @ ratio / len(ratio))


RULES: Mapping[str, Callable[[Sequence[Predictions]], Weights]] = {
    "mean": mean_weights,
    "iwa": iwa_weights,
}
"""Functions that give the weights of models, by name."""


def stack_probabilities(pool: Sequence[Predictions], domain: str) -> Float[Tensor, "a n k"]:
    """Return the probabilities of each model for the images of a domain: source or target."""
    return torch.stack([getattr(p, f"{domain}_logits").double().softmax(1) for p in pool])


def combine(
    probabilities: Float[Tensor, "a n k"], weights: Float[Tensor, "a"]
) -> Float[Tensor, "n k"]:
    """Return logits of the weighted sum of probabilities; what is negative counts as 0."""
    whole = torch.einsum("a,ank->nk", weights.to(probabilities), probabilities).clamp_min(TINY)
    return (whole / whole.sum(1, keepdim=True)).log()


def compare_outputs(
    source: Float[Tensor, "a n k"], target: Float[Tensor, "a m k"]
) -> Float[Tensor, "n"]:
    """Return how much denser the target is than the source at source images, in the mean 1.

    A logistic regression of the domain on all models' logarithms of probabilities is fitted on each
    half of the images and applied to the other.
    """
    n = source.shape[1]
    x = torch.cat([source, target], 1).clamp_min(TINY).log().transpose(0, 1).flatten(1)
    x = x - x.mean(0)
    x = x / x.square().sum(1).mean().sqrt().clamp_min(TINY)
    is_target, half = (torch.arange(len(x)) >= n).long(), torch.arange(len(x)) % 2
    ratio = x.new_ones(n)
    for one in (0, 1):
        learned = half == one
        fit = fit_linear("logistic", x[learned].float(), is_target[learned], 2, [STRENGTH])[0]
        against, towards = apply_linear(fit, x[:n][~learned[:n]]).unbind(1)
        ratio[~learned[:n]] = (towards - against).exp()
    return ratio / ratio.mean()
