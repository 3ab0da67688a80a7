"""Mutual information of target image and predicted class, in nats (Bridle et al. 1991)."""

from da.evaluation.predictions import Predictions
from da.ops import functional

AXIS = "infomax, nats"
RANGE = 0, None
NEEDS = ("logits",)


def score(p: Predictions) -> float:
    """Return the mutual information of target image and class, in nats; higher is better.

    The class is the predicted one. The score is high where each prediction is certain and all
    classes are predicted equally often (Bridle et al. 1991).
    """
    q = p.target_logits.softmax(1)
    every = functional.entropy(q.mean(0, keepdim=True)).squeeze(0)
    return (every - functional.entropy(q).mean()).item()
