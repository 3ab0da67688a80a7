"""Soft neighborhood density of the target, in nats (Saito et al. 2021)."""

import torch
from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import sample_rows
from da.ops import functional

AXIS = "snd, nats"
RANGE = 0, None
NEEDS = ("logits",)


def score(p: Predictions, temperature: float = 0.05) -> float:
    """Return the soft neighborhood density of the target, in nats; higher is better.

    It is the mean entropy of each target image's similarities to all others. The temperature is
    the paper's (Saito et al. 2021). A single image, which is similar to no other, has 0. Of more
    than 2,000 images, the mean is over an even sample of them, each compared with all.
    """
    if len(p.target_logits) == 1:
        return 0.0
    q = normalize(p.target_logits.softmax(1))
    total = 0.0
    sample = sample_rows(len(q))
    for rows in sample.split(1024):
        similarity = q[rows] @ q.T / temperature
        similarity[torch.arange(len(rows)), rows] = -torch.inf
        total += functional.entropy(similarity.softmax(1)).sum().item()
    return total / len(sample)
