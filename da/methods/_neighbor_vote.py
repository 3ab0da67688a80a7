"""Classes that target images get from the remembered predictions of their neighbors."""

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.data.batch import Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods.base import Method, Network


class NeighborVote(Method):
    """Base class of methods that train target images on classes voted by their neighbors.

    A method with another base class calls its functions. Settings are `neighbors` and
    `temperature`, those of ATDOC-NA (Liang et al. 2021).
    """

    hp: Any
    _seen: Unlabeled
    memory_f: Tensor
    memory_p: Tensor

    def __init__(self, hp: Any, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.add_memory()

    def add_memory(self: Any) -> None:
        """Add an empty memory of features and predictions."""
        self.register_buffer("memory_f", torch.zeros(0, self.width))
        self.register_buffer("memory_p", torch.zeros(0, self.classes))

    def prepare(self: Any, source: LabeledImages, target: Images) -> None:
        """Reserve a place in the memory for each target image.

        It begins with features of 0 and the same probability for each class.

        Raises:
            ValueError: The target has no more images than `neighbors`.
        """
        size = len(target)
        if size <= self.hp.neighbors:
            raise ValueError(
                f"neighbors {self.hp.neighbors} needs more than {size} target images, "
                "known: below that"
            )
        self.memory_f = self.memory_f.new_zeros(size, self.width)
        self.memory_p = self.memory_p.new_full((size, self.classes), 1 / self.classes)

    def neighbor_loss(self: Any, f: Float[Tensor, "m d"], target: Unlabeled) -> Float[Tensor, ""]:
        """Compute the cross-entropy of target features `f` with the voted classes."""
        self._seen = target
        confidence, y = self.vote(f.detach(), target.index).max(1)
        loss = F.cross_entropy(self.head(f), y, reduction="none")
        return (confidence * loss).sum() / confidence.sum()

    def vote(self: Any, f: Float[Tensor, "m d"], index: Int[Tensor, "m"]) -> Float[Tensor, "m k"]:
        """Average the remembered predictions of the nearest other images, by cosine similarity."""
        with torch.autocast(f.device.type, enabled=False):
            similarity = f.to(self.memory_f) @ self.memory_f.mT
        similarity = similarity.scatter(1, index[:, None], -torch.inf)
        nearest = similarity.topk(self.hp.neighbors).indices
        return self.memory_p[nearest].mean(1)

    @torch.no_grad()
    def after_step(self: Any) -> None:
        """Remember features and predictions of the step's target images, in evaluation mode."""
        seen = self._seen
        with self.evaluation_mode():
            f = self.embed(seen.x)
        self.memory_f[seen.index] = F.normalize(f)
        self.memory_p[seen.index] = sharpen(self.head(f), self.hp.temperature)


def sharpen(logits: Float[Tensor, "m k"], temperature: float) -> Float[Tensor, "m k"]:
    """Raise predictions to the power of 1 / temperature, then divide each class by its batch sum.

    The division gives every class the same total weight (Liang et al. 2021).
    """
    return (logits.log_softmax(1) / temperature).softmax(0)
