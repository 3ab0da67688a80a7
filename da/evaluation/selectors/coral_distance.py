"""Distance of the covariances of the domains' features, negated (Sun & Saenko 2016)."""

from da.evaluation.predictions import Predictions
from da.ops import functional

AXIS = "CORAL distance, negated"
RANGE = None, 0
NEEDS = ("features",)


def score(p: Predictions) -> float:
    """Return minus the squared distance of the domains' covariances over 4d²; higher is better.

    Features that shrink have a smaller distance, so compare networks of one kind alone.
    """
    source, target = p.source_features, p.target_features
    assert source is not None
    assert target is not None
    if min(len(source), len(target)) < 2:
        return float("nan")
    return -functional.coral(source.float(), target.float()).item()
