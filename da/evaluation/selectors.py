"""Selectors: scores that choose the best model without target classes; higher is better."""

from collections.abc import Callable

import torch
from torch.nn.functional import normalize

from da.evaluation.predictions import Predictions, accuracy
from da.ops import functional


def source_accuracy(p: Predictions) -> float:
    """Return the accuracy on source test images, in percent; higher is better."""
    return accuracy(p.source_logits, p.source_y)


def entropy(p: Predictions) -> float:
    """Return minus the mean entropy of target predictions, in nats; higher is better.

    It is high where predictions are certain (Morerio et al. 2018).
    """
    return -functional.entropy(p.target_logits.softmax(1)).mean().item()


def infomax(p: Predictions) -> float:
    """Return the mutual information of target image and class, in nats; higher is better.

    The class is the predicted one. The score is high where each prediction is certain and all
    classes are predicted equally often (Bridle et al. 1991).
    """
    q = p.target_logits.softmax(1)
    every = functional.entropy(q.mean(0, keepdim=True)).squeeze(0)
    return (every - functional.entropy(q).mean()).item()


def snd(p: Predictions, temperature: float = 0.05) -> float:
    """Return the soft neighborhood density of the target, in nats; higher is better.

    It is the mean entropy of each target image's similarities to all others. The temperature is
    the paper's (Saito et al. 2021). A target of one image has no others and a score of 0.
    """
    if len(p.target_logits) == 1:
        return 0.0
    q = normalize(p.target_logits.softmax(1))
    total = 0.0
    for rows in torch.arange(len(q)).split(1024):
        similarity = q[rows] @ q.T / temperature
        similarity[torch.arange(len(rows)), rows] = -torch.inf
        total += functional.entropy(similarity.softmax(1)).sum().item()
    return total / len(q)


def bnm(p: Predictions) -> float:
    """Return the nuclear norm of target predictions as a share of its maximum; higher is better.

    The share is 0 to 1; the maximum is sqrt(m min(m, k)) for m images and k classes. Differs from
    the paper: Cui et al. 2020 divide by the number of images.
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
"""Every selector by name; a record has the score of each one at every evaluation."""
