"""Accuracy on the source image nearest to each target image (as in pytorch-adapt)."""

from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features, draw_rows

AXIS = "accuracy on nearest source images, %"
RANGE = 0, 100
NEEDS = "source", "features"


def score(p: Predictions) -> float:
    """Return the accuracy on the nearest source image of each target image, in percent.

    Nearest is the one whose features have the largest cosine; a target image whose largest cosine
    is not above 0 counts as an error. So source images count as often as target images are near
    them; higher is better. Of each domain, at most 2,000 images count.
    """
    source, target = draw_features(p)
    cosine, nearest = (normalize(target) @ normalize(source).mT).max(1)
    rows = draw_rows(len(p.source_y))
    right = p.source_logits[rows].argmax(1) == p.source_y[rows]
    return 100 * (right[nearest] & (cosine > 0)).double().mean().item()
