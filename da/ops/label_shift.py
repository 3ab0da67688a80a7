"""Estimators of class frequencies in unlabeled images, where only these frequencies shift.

Each takes predictions of labeled images, as they were in training, and of unlabeled ones.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

RIDGE = 1e-8
"""Ridge of the equations of `estimate_bbse`, as in RLSbench."""

CONFIDENCE = 0.05
"""Probability that the bound of `estimate_rlls` fails, as in RLSbench."""

SHARE_OF_BOUND = 0.01
"""Share of that bound that is the penalty's weight, as in RLSbench."""


def estimate_bbse(
    logits: Float[Tensor, "n k"], y: Int[Tensor, "n"], unlabeled: Float[Tensor, "m k"]
) -> Float[Tensor, "k"]:
    """Estimate class frequencies by inverting the confusion matrix (Lipton et al. 2018).

    With C the joint frequencies of predicted and true class, and q those of classes predicted for
    unlabeled images, the ratio w of frequencies solves C w = q. Negative ratios become 0.

    Args:
        logits: Class logits of labeled images.
        y: Their classes.
        unlabeled: Class logits of unlabeled images.
    """
    joint, predicted, frequencies = _moments(logits, y, unlabeled)
    eye = torch.eye(len(joint), dtype=joint.dtype, device=joint.device)
    ratio = torch.linalg.solve(joint.mT @ joint + RIDGE * eye, joint.mT @ predicted)
    return _normalized(ratio * frequencies, logits)


def estimate_rlls(
    logits: Float[Tensor, "n k"], y: Int[Tensor, "n"], unlabeled: Float[Tensor, "m k"]
) -> Float[Tensor, "k"]:
    """Estimate class frequencies as `estimate_bbse` does, but near the labeled images' own.

    The ratio w minimizes |C w - q| + r |w - 1| (Azizzadenesheli et al. 2019), with the weight r
    that RLSbench gives the penalty. Arguments are those of `estimate_bbse`. Differs from that code:
    a negative ratio becomes 0 afterwards; there it is a constraint.
    """
    joint, predicted, frequencies = _moments(logits, y, unlabeled)
    spread = math.log(2 * len(joint) / CONFIDENCE) / len(y)
    weight = SHARE_OF_BOUND * 3 * (2 * spread / 3 + math.sqrt(2 * spread))
    change = minimize_penalized(joint, predicted - joint.sum(1), weight)
    return _normalized((1 + change) * frequencies, logits)


def minimize_penalized(
    a: Float[Tensor, "n k"], b: Float[Tensor, "n"], weight: float
) -> Float[Tensor, "k"]:
    """Minimize |a x - b| + weight |x|, lengths that are not squared.

    The solution is one of ridge regression, with a ridge that is found by search.
    """
    u, s, v = torch.linalg.svd(a, full_matrices=False)
    along = u.mT @ b
    ridges = torch.logspace(-14, 4, 181, dtype=a.dtype, device=a.device)
    for _ in range(4):  # each search is ten times finer
        x = (s * along / (s.square() + ridges[:, None])) @ v
        cost = (x @ a.mT - b).norm(dim=1) + weight * x.norm(dim=1)
        best = int(cost.argmin())
        low, high = (
            ridges[i].log10().item() for i in (max(best - 1, 0), min(best + 1, len(x) - 1))
        )
        ridges = torch.logspace(low, high, 21, dtype=a.dtype, device=a.device)
    return x[best] if cost[best] < b.norm() else torch.zeros_like(x[best])


def estimate_em(
    logits: Float[Tensor, "n k"],
    y: Int[Tensor, "n"],
    unlabeled: Float[Tensor, "m k"],
    rounds: int = 10_000,
) -> Float[Tensor, "k"]:
    """Estimate class frequencies by expectation-maximization (Saerens et al. 2002).

    The frequencies are the mean of predictions of unlabeled images, which are weighted by them over
    the mean prediction of labeled images, until they stay. Classes `y` are not looked at.

    Args:
        logits: Class logits of labeled images.
        y: Their classes.
        unlabeled: Class logits of unlabeled images.
        rounds: Largest number of repetitions.
    """
    before = logits.double().softmax(1).mean(0).log()
    log_p = unlabeled.double().log_softmax(1) - before
    found = log_p.add(before).exp().mean(0)
    for _ in range(rounds):
        last, found = found, (log_p + found.log()).softmax(1).mean(0)
        if (found - last).abs().sum() < 1e-6:
            break
    return _normalized(found, logits)


def _moments(logits: Tensor, y: Tensor, unlabeled: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return C, q and the frequencies of labeled images, of classes as predicted."""
    k = logits.shape[1]
    true, predicted, others = (
        F.one_hot(each, k).double() for each in (y, logits.argmax(1), unlabeled.argmax(1))
    )
    return predicted.mT @ true / len(y), others.mean(0), true.mean(0)


def _normalized(frequencies: Tensor, like: Tensor) -> Tensor:
    positive = frequencies.clamp_min(0)
    return (positive / positive.sum().clamp_min(torch.finfo(positive.dtype).tiny)).to(like)


ESTIMATORS = {"bbse": estimate_bbse, "rlls": estimate_rlls, "em": estimate_em}
"""Estimators by name."""
