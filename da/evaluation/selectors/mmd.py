"""Maximum mean discrepancy of the domains' features, negated (Gretton et al. 2012)."""

import torch
from jaxtyping import Float
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features
from da.ops import kernels
from da.ops.linalg import squared_distances

AXIS = "squared MMD, negated"
RANGE = None, None
NEEDS = ("features",)


def score(p: Predictions) -> float:
    """Return minus the squared distance of the domains' means in kernel space; higher is better.

    The kernel is the mean of five Gaussians, whose widths are multiples of the mean squared
    distance (Long et al. 2015). So features on another scale have the same score. The estimate is
    unbiased and may be above 0. Of each domain, at most 1,000 images count.
    """
    source, target = draw_features(p, 1000)
    if min(len(source), len(target)) < 2:
        return float("nan")
    f = torch.cat([source, target])
    return -kernels.mmd(_kernel(squared_distances(f, f)), len(source)).item()


def _kernel(distances: Float[Tensor, "b b"]) -> Float[Tensor, "b b"]:
    """Return the mean of exp(-d / (c w)) over the factors c of 4, 2, 1, 1/2 and 1/4.

    Each is the square of the one before, so that only one exponential is taken.
    """
    width = distances.sum() / (len(distances) * (len(distances) - 1))
    power = (distances / (-4 * width.clamp_min(torch.finfo(width.dtype).tiny))).exp_()
    total = power.clone()
    for _ in range(4):
        total += power.square_()
    return total / 5
