"""Accuracy on source test images, in percent."""

from da.evaluation.predictions import Predictions, accuracy

AXIS = "source accuracy, %"
RANGE = 0, 100
NEEDS = ("source",)


def score(p: Predictions) -> float:
    """Return the accuracy on source test images, in percent; higher is better.

    Of a run with `hold_out` off, these are training images, where the data sets none apart.
    """
    return accuracy(p.source_logits, p.source_y)
