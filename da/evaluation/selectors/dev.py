"""Source risk weighed towards the target, with a control variate (You et al. 2019)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._dev import controlled_risk, find_losses
from da.evaluation.selectors._domain_classifier import compare_densities

AXIS = "deep embedded validation, negated, nats"
RANGE = None, None
NEEDS = "source", "features"


def score(p: Predictions) -> float:
    """Return minus the risk of deep embedded validation, in nats; higher is better.

    It is the cross-entropy of source test images, each weighed by the density ratio of target and
    source at its features; what weights differ from 1 in the mean is compensated. The ratio is that
    of `iwcv`. Differs from the paper: the domain classifier is linear, and its penalty is fixed.
    """
    ratio = compare_densities(p)
    return -controlled_risk(ratio.weight, find_losses(p, ratio))
