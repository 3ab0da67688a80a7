"""Target accuracy, in percent, as thresholded confidence estimates it (Garg et al. 2022).

The threshold is the confidence that as many source images fall below as are classified wrongly.
The score is the share of target images at or above it (ATC, arXiv:2201.04234).
"""

from da.evaluation.predictions import Predictions

AXIS = "estimated accuracy, %"
RANGE = (0, 100)


def score(p: Predictions) -> float:
    """Return the share of target images that are as sure as the source images that are right."""
    source, target = (z.softmax(1).amax(1) for z in (p.source_logits, p.target_logits))
    errors = int((p.source_logits.argmax(1) != p.source_y).sum())
    if errors == len(source):
        return 0.0
    return 100 * (target >= source.sort().values[errors]).float().mean().item()
