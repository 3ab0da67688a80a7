"""Agreement of target predictions with the nearest source image (as in pytorch-adapt)."""

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features, draw_rows
from da.ops.linalg import squared_distances

AXIS = "agreement with the nearest source image, %"
RANGE = 0, 100
NEEDS = "logits", "source", "features"


def score(p: Predictions) -> float:
    """Return how often predicted class and nearest source image agree, in percent.

    Nearest is meant among features. It is the mean over predicted classes that source images have;
    higher is better. Of each domain, at most 2,000 images count.
    """
    source, target = draw_features(p)
    y, k = p.source_y[draw_rows(len(p.source_y))], p.target_logits.shape[1]
    predicted = p.target_logits[draw_rows(len(p.target_logits))].argmax(1)
    nearest = squared_distances(target, source)
    agree = y[nearest.argmin(1)] == predicted
    count = predicted.bincount(minlength=k)
    counted = (count > 0) & (y.bincount(minlength=k) > 0)
    share = predicted.bincount(agree.double(), k) / count.clamp_min(1)
    return 100 * share[counted].mean().item() if bool(counted.any()) else float("nan")
