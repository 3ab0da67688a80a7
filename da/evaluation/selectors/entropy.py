"""Minus the mean entropy of target predictions, in nats (Morerio et al. 2018)."""

from da.evaluation.predictions import Predictions
from da.ops import functional

AXIS = "entropy, negated, nats"
RANGE = None, 0
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return minus the mean entropy of target predictions, in nats; higher is better.

    It is high where predictions are certain (Morerio et al. 2018).
    """
    return -functional.entropy(p.target_logits.softmax(1)).mean().item()
