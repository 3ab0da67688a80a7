"""How well scores order evaluations as their accuracies do, the best counting most."""

import numpy as np
from jaxtyping import Float, Shaped
from scipy.stats import rankdata

POWER = 2
"""Power of an evaluation's larger rank that is its weight."""


def weighted_spearman(
    scores: Float[np.ndarray, "n"], accuracies: Float[np.ndarray, "n"], power: float = POWER
) -> float:
    """Return the weighted rank correlation of scores and accuracies, NaN where one is constant.

    The weight of an evaluation is the larger of its dense ranks, scaled to 1, to a power. A score
    that is not finite counts as the lowest (Musgrave et al. 2022, powerful-benchmarker). Ranks of
    the correlation are weighted too: the weight below, and half of the weight at the same value.

    Args:
        scores: Scores of evaluations.
        accuracies: Their target accuracies.
        power: Power of the scaled rank.
    """
    finite = np.isfinite(scores)
    if not finite.any():
        return float("nan")
    scores = np.where(finite, scores, scores[finite].min())
    dense = [rankdata(values, method="dense") for values in (scores, accuracies)]
    if min(ranks.max() for ranks in dense) == 1:
        return float("nan")
    weights = np.maximum(*(ranks / ranks.max() for ranks in dense)) ** power
    x, y = (_weighted_ranks(ranks - 1, weights) for ranks in dense)
    covariance = np.cov(x, y, aweights=weights, ddof=0)
    return float(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))


def _weighted_ranks(
    dense: Shaped[np.ndarray, "n"], weights: Float[np.ndarray, "n"]
) -> Float[np.ndarray, "n"]:
    """Return the weight of lower values, and of equal ones half of it and half of a mean one."""
    dense = dense.astype(int)
    at, count = np.bincount(dense, weights), np.bincount(dense)
    return (np.cumsum(at) - at + (count + 1) / 2 * at / count)[dense]
