"""Effective rank of target features (Garrido et al. 2023)."""

import torch

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import target_features
from da.system.threads import one_thread

AXIS = "effective rank"
RANGE = 1, None
NEEDS = ("features",)

EPSILON = 1e-7
"""Number that is added to each share, as in the paper."""


def score(p: Predictions) -> float:
    """Return the effective rank of target features; higher is better.

    It is the exponential of the entropy of their singular values' shares (Garrido et al. 2023,
    arXiv:2210.02885): as many as there are features where all vary alike, 1 where all images have
    one direction. It was made for pretraining. Features that neatly collapse to their classes have
    a low rank, so compare it within a method.
    """
    f = target_features(p).double()
    gram = f.T @ f if len(f) > f.shape[1] else f @ f.T
    with one_thread():
        values = torch.linalg.eigvalsh(gram).clamp_min(0).sqrt()
    shares = values / values.sum().clamp_min(torch.finfo(values.dtype).tiny) + EPSILON
    return torch.special.entr(shares).sum().exp().item()
