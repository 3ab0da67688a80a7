"""Agreement with the mean prediction of all models (Hu et al. 2024)."""

from collections.abc import Sequence
from functools import reduce

import torch

from da.evaluation.predictions import Predictions

AXIS = "agreement with the ensemble, %"
RANGE = 0, 100
NEEDS = "logits", "runs"
POOL = "task"


def score_pool(pool: Sequence[Predictions]) -> list[float]:
    """Return how often each predicts the class of the pool's mean probabilities, in percent.

    The pool has all evaluations of one task and seed; higher is better.
    """
    if not pool:
        return []
    every = reduce(torch.add, (p.target_logits.double().softmax(1) for p in pool)).argmax(1)
    return [100 * (p.target_logits.argmax(1) == every).double().mean().item() for p in pool]
