"""Share of images whose nearest neighbor is of the other domain (as in pytorch-adapt)."""

import torch

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features
from da.ops.linalg import squared_distances

AXIS = "neighbors of the other domain"
RANGE = 0, 1
NEEDS = ("features",)


def score(p: Predictions) -> float:
    """Return how often the nearest image is of the other domain, 0 to 1; higher is better.

    It is the mean over both domains, 1/2 where features tell nothing of the domain. Of each domain,
    at most 1,000 images count.
    """
    source, target = draw_features(p, 1000)
    f, n = torch.cat([source, target]), len(source)
    nearest = squared_distances(f, f).fill_diagonal_(torch.inf).argmin(1)
    share = (nearest[:n] >= n).double().mean() + (nearest[n:] < n).double().mean()
    return share.item() / 2
