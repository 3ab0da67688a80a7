"""Target accuracy, in percent, by thresholded confidence (Garg et al. 2022)."""

from da.evaluation.predictions import Predictions
from da.ops import functional

AXIS = "estimated accuracy (ATC), %"
RANGE = 0, 100
NEEDS = "logits", "source"


def score(p: Predictions) -> float:
    """Return the share of target images above a threshold of confidence; higher is better.

    Confidence is minus the entropy of a prediction. As many source test images are below the
    threshold as are classified wrongly.
    """
    each = p.source_logits, p.target_logits
    source, target = (-functional.prediction_entropy(z.double()) for z in each)
    errors = int((p.source_logits.argmax(1) != p.source_y).sum())
    if errors == len(source):
        return 0.0
    return 100 * (target >= source.sort().values[errors]).double().mean().item()
