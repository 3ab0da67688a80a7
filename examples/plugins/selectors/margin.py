"""Mean margin between the two largest probabilities of a target image, 0 to 1.

It is large where the model does not hesitate between two classes.
"""

from da.evaluation.predictions import Predictions

AXIS = "margin, 0 to 1"
RANGE = (0, 1)
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return the mean gap of the two largest probabilities of target images."""
    first, second = p.target_logits.softmax(1).topk(2, 1).values.mT
    return (first - second).mean().item()
