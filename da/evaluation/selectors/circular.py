"""Source accuracy of a classifier taught by target predictions (Bruzzone & Marconcini 2010)."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features, draw_rows
from da.system.threads import one_thread

AXIS = "circular validation, %"
RANGE = 0, 100
NEEDS = "logits", "source", "retraining"

STRENGTH = 1.0
"""Penalty of the ridge classifier, as a share of the features' mean squared distance."""


def score(p: Predictions) -> float:
    """Return the source accuracy of a classifier that learned from target predictions, in percent.

    It is a ridge classifier, fitted on target features with the predicted classes and tested on
    source test images: good labels lead back. Higher is better. Of each domain, at most 2,000
    images count. Differs from the paper: the classifier is linear on features, not a support vector
    machine that adapts.
    """
    source, target = draw_features(p)
    predicted = p.target_logits[draw_rows(len(p.target_logits))].argmax(1)
    w = fit_ridge(target, predicted, p.target_logits.shape[1], STRENGTH)
    found = (source.double() @ w[:, :-1].mT + w[:, -1]).argmax(1)
    return 100 * (found == p.source_y[draw_rows(len(p.source_y))]).double().mean().item()


def fit_ridge(
    x: Float[Tensor, "n d"], y: Int[Tensor, "n"], classes: int, strength: float
) -> Float[Tensor, "k e"]:
    """Return weights of each class and, in the last column, its bias, by least squares.

    Classes without rows are never predicted.

    Args:
        x: Rows of features.
        y: Class of each row.
        classes: Number of classes.
        strength: Weight of the penalty, as a share of the rows' mean squared distance.
    """
    ones = F.one_hot(y, classes).double()
    mean, share = x.double().mean(0), ones.mean(0)
    z = x.double() - mean
    size = z.square().sum(1).mean().clamp_min(1e-30)
    with one_thread():
        squares = z.mT @ z + strength * size * torch.eye(len(mean), dtype=z.dtype)
        root = torch.linalg.cholesky_ex(squares).L
        w = torch.cholesky_solve(z.mT @ (ones - share), root).mT
    bias = torch.where(share > 0, share - w @ mean, -torch.inf)
    return torch.cat([w, bias[:, None]], 1)
