"""Weights of a method's predictions, by frequencies of classes that were estimated."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.methods.base import Method

NAME = "class_weights"
"""Attribute of a method, and beginning of the names of stored weights."""

LEAST = 1e-3
"""Smallest estimated frequency, as a multiple of that of even classes."""


class ClassWeights(nn.Module):
    """The logarithm of a weight for each class, which target logits have added."""

    logs: Tensor

    def __init__(self, classes: int):
        super().__init__()
        self.register_buffer("logs", torch.zeros(classes))

    def set(self, target: Float[Tensor, "k"], training: Float[Tensor, "k"]) -> None:
        """Weigh classes by their frequency in the target over that in training."""
        least = LEAST / len(target)
        logs = target.clamp_min(least).log() - training.clamp_min(least).log()
        self.logs.copy_(logs)


def add_weights(method: Method) -> None:
    """Let a method weigh the classes of its predictions, at first alike."""
    method.add_module(NAME, ClassWeights(method.classes).to(next(method.parameters()).device))


def find_weights(method: Method) -> ClassWeights | None:
    """Return what weighs the classes of a method's predictions; None where nothing does."""
    return getattr(method, NAME, None)


def weigh_classes(method: Method, logits: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
    """Return target logits by which a method predicts, with its weights of classes."""
    weights = find_weights(method)
    return logits if weights is None else logits + weights.logs.to(logits)
