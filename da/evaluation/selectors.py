"""Guess which model is best without target classes: predictions to a score, higher is better."""

from collections.abc import Callable

import torch
from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions, accuracy
from da.ops import functional


def source_accuracy(p: Predictions) -> float:
    """Accuracy on source test images, in percent."""
    return accuracy(p.source_logits, p.source_y)


def entropy(p: Predictions) -> float:
    """Minus the mean entropy of target predictions, in nats (Morerio et al. 2018)."""
    return -functional.entropy(p.target_logits.softmax(1)).mean().item()


def infomax(p: Predictions) -> float:
    """Mutual information of target image and predicted class, in nats (Bridle et al. 1991)."""
    q = p.target_logits.softmax(1)
    every = functional.entropy(q.mean(0, keepdim=True)).squeeze(0)
    return (every - functional.entropy(q).mean()).item()


def snd(p: Predictions, temperature: float = 0.05) -> float:
    """Soft neighborhood density: mean entropy, in nats, of each target image's similarity to the
    others (Saito et al. 2021, temperature as there).
    """
    q = normalize(p.target_logits.softmax(1))
    total = 0.0
    for rows in torch.arange(len(q)).split(1024):
        similarity = q[rows] @ q.T / temperature
        similarity[torch.arange(len(rows)), rows] = -torch.inf
        total += functional.entropy(similarity.softmax(1)).sum().item()
    return total / len(q)


def bnm(p: Predictions) -> float:
    """Nuclear norm of target predictions over the largest it can be, sqrt(m min(m, k)), 0 to 1
    (Cui et al. 2020; they divide by the number of images).
    """
    q = p.target_logits.softmax(1)
    return (torch.linalg.svdvals(q).sum() / (len(q) * min(q.shape)) ** 0.5).item()


SELECTORS: dict[str, Callable[[Predictions], float]] = {
    "source_accuracy": source_accuracy,
    "entropy": entropy,
    "infomax": infomax,
    "snd": snd,
    "bnm": bnm,
}
"""Every record has the score of each, at every look."""
