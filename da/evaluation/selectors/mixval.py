"""Accuracy on mixtures of target images under predicted classes, in percent (Hu et al. 2023)."""

import torch

from da.evaluation.predictions import Predictions

AXIS = "mixval, %"
RANGE = 0, 100
NEEDS = ("logits", "mixtures")


def score(p: Predictions) -> float:
    """Return the mean accuracy on two kinds of mixtures of target images; higher is better.

    A mixture is of two images of one predicted class, or of two classes. It is right where it gets
    the class of the image that has the larger share (Hu et al. 2023, MixVal). A kind of which there
    is none does not count. Differs from the authors' code, whose two scores are apart.
    """
    assert p.mixed_logits is not None
    assert p.mixed_with is not None
    right = (p.mixed_logits.argmax(2) == p.target_logits.argmax(1)).float()
    each = right.masked_fill(p.mixed_with < 0, torch.nan).nanmean(1)
    return 100 * each.nanmean().item()
