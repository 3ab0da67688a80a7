"""Source accuracy, weighed by density ratios towards the target (Sugiyama et al. 2007)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._domain_classifier import compare_densities

AXIS = "importance-weighted source accuracy, %"
RANGE = 0, 100
NEEDS = "source", "features"


def score(p: Predictions) -> float:
    """Return the weighted accuracy on source test images, in percent; higher is better.

    A weight is the density ratio of target and source at an image's features, and the sum of all
    weights is 1. The ratio is that of a logistic regression of the domain, fitted on each half of
    the images and applied to the other. Of each domain, at most 2,000 images count.
    """
    ratio = compare_densities(p)
    right = p.source_logits[ratio.rows].argmax(1) == p.source_y[ratio.rows]
    return 100 * (ratio.weight @ right.double() / ratio.weight.sum()).item()
