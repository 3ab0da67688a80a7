"""Target accuracy, in percent, by agreement on the line (Baek et al. 2022)."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._agreement import count_agreements

AXIS = "estimated accuracy (agreement on the line), %"
RANGE = 0, 100
NEEDS = "logits", "source", "runs"
POOL = "task"


def score_pool(pool: Sequence[Predictions]) -> list[float]:
    """Return the accuracy of each that source accuracy and agreements of all pairs lead to.

    The pool has all evaluations of one task and seed. Over its pairs, the probit of target
    agreement is a line in the probit of source agreement, and accuracy follows a line of the same
    slope. So the mean accuracy of a pair is its target agreement plus what its source accuracy is
    above its source agreement, times the slope; the accuracies are those that fit all pairs best
    (ALine-D). Higher is better; fewer than three have NaN.
    """
    n = len(pool)
    if n < 3:
        return [float("nan")] * n
    y = pool[0].source_y
    source = [p.source_logits.argmax(1) for p in pool]
    target = [p.target_logits.argmax(1) for p in pool]
    right = torch.stack([(found == y).double().mean() for found in source])
    a = _probit(count_agreements(source), len(y))
    b = _probit(count_agreements(target), len(target[0]))
    own = _probit(right, len(y))
    i, j = torch.triu_indices(n, n, 1)
    slope = _slope(a[i, j], b[i, j])
    sums = (b + slope * ((own[:, None] + own) / 2 - a)).fill_diagonal_(0).sum(1)
    found = (2 * sums - sums.sum() / (n - 1)) / (n - 2)
    return (100 * torch.special.ndtr(found)).tolist()


def _probit(share: Float[Tensor, "*n"], images: int) -> Float[Tensor, "*n"]:
    """Return the normal quantile of a share; at least half an image is wrong, and half right."""
    return torch.special.ndtri(share.clamp(0.5 / images, 1 - 0.5 / images))


def _slope(x: Float[Tensor, "q"], y: Float[Tensor, "q"]) -> Float[Tensor, ""]:
    """Return the slope of the line of least squares; 1 where all `x` are equal."""
    gap = x - x.mean()
    squares = gap.square().sum()
    return gap @ y / squares if squares > 0 else torch.ones_like(squares)
