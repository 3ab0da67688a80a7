"""Deep embedded validation with normalized weights (Musgrave et al. 2022)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._dev import controlled_risk, find_losses
from da.evaluation.selectors._domain_classifier import compare_densities

AXIS = "deep embedded validation with bounded weights, negated, nats"
RANGE = None, None
NEEDS = "source", "features"


def score(p: Predictions) -> float:
    """Return minus the risk of `dev` with normalized weights, in nats; higher is better.

    Weights are divided by the largest one, then a constant is added so that their mean is 1, as in
    pytorch-adapt with `max`. So no image counts for much more than any other.
    """
    ratio = compare_densities(p)
    weight = ratio.weight / ratio.weight.amax()
    return -controlled_risk(weight + 1 - weight.mean(), find_losses(p, ratio))
