"""Nuclear norm of target predictions as a share of its maximum (Cui et al. 2020)."""

import torch

from da.evaluation.predictions import Predictions

AXIS = "bnm, 0 to 1"
RANGE = 0, 1
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return the nuclear norm of target predictions as a share of its maximum; higher is better.

    The share is 0 to 1; the maximum is sqrt(m min(m, k)) for m images and k classes. It is high
    where predictions are certain and diverse. Differs from the paper: Cui et al. 2020 divide by the
    number of images. The same share is the nuclear norm of Deng et al. 2023 (arXiv:2302.01094).
    """
    q = p.target_logits.softmax(1)
    return (torch.linalg.svdvals(q).sum() / (len(q) * min(q.shape)) ** 0.5).item()
