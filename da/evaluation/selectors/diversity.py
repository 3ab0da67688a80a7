"""Entropy of the mean target prediction, in nats: high where all classes are predicted."""

from da.evaluation.predictions import Predictions
from da.ops.functional import marginal_entropy

AXIS = "diversity, nats"
RANGE = 0, None
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return the entropy of the mean target prediction, in nats; higher is better.

    It is high where all classes are predicted equally often, be it with certainty or not. So it
    finds collapse, and says little else.
    """
    return marginal_entropy(p.target_logits).item()
