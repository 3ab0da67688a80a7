"""Approximate nuclear norm of target predictions, as a share of its maximum (Cui et al. 2021)."""

from da.evaluation.predictions import Predictions

AXIS = "fast bnm, 0 to 1"
RANGE = 0, 1
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return the approximate nuclear norm of target predictions, 0 to 1; higher is better.

    In the place of singular values it takes the lengths of the classes' columns, the longest
    min(m, k) of them for m images and k classes (Cui et al. 2021, arXiv:2107.06154). It is a share
    of the maximum, sqrt(m min(m, k)).
    """
    q = p.target_logits.softmax(1)
    lengths = q.norm(dim=0).topk(min(q.shape)).values
    return (lengths.sum() / (len(q) * min(q.shape)) ** 0.5).item()
