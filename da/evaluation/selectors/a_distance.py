"""A-distance of the domains' features, negated (Ben-David et al. 2007)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._domain_classifier import compare_densities

AXIS = "A-distance, negated"
RANGE = -2, 2
NEEDS = ("features",)


def score(p: Predictions) -> float:
    """Return minus 2(1 - 2e) for the error e of a domain classifier; higher is better.

    It is -2 where a linear classifier tells the domains apart, and about 0 where it cannot. The
    error is the mean over both domains, on images that the classifier was not fitted on: it is the
    logistic regression of `iwcv`, fitted on one half and applied to the other.
    """
    ratio = compare_densities(p)
    wrong = (ratio.source > 0).double().mean() + (ratio.target <= 0).double().mean()
    known = ratio.source.isfinite().all() and ratio.target.isfinite().all()
    return 2 * (wrong.item() - 1) if known else float("nan")
