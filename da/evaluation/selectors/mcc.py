"""Minus the confusion of classes in target predictions (Jin et al. 2020)."""

from da.evaluation.predictions import Predictions
from da.ops.functional import class_confusion

AXIS = "mcc, negated confusion"
RANGE = -1, 0
NEEDS = ("logits",)

LEAST = -30.0
"""Smallest log-probability: the confusion of a class that has none is defined by its limit."""


def score(p: Predictions, temperature: float = 2.5) -> float:
    """Return minus the confusion of classes in softened target predictions; higher is better.

    It is the loss of MCC, with the temperature of its paper (Jin et al. 2020). It is high where
    predictions are certain and each class is predicted: one that never is counts as confused.
    """
    log_p = (p.target_logits / temperature).log_softmax(1).clamp_min(LEAST)
    return -class_confusion(log_p, 1.0).item()
