"""Auxiliary target-domain-oriented classifier, by neighborhood aggregation."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods.base import Batch, Losses, Method, Network, Scalar


class ATDOC(Method):
    """Train target images on the classes predicted for their nearest neighbors in the target.

    The predictions are remembered from earlier steps. Raises ValueError for a target with too few
    images.
    """

    paper = "Liang et al. 2021, arXiv:2007.04171"
    family = "entropy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of ATDOC-NA as in its authors' code for Office-Home.

        Differs from that code: images that were not seen yet have features of 0 in the memory;
        there they have random ones.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.2
        """Final weight of the neighbors' classes, lambda in the paper; 0 for no adaptation.
        It grows linearly with the progress of the training.
        """
        neighbors: Annotated[int, Choice(1, 3, 5, 10, 20), COUNT] = 5
        """Number of nearest target images that vote on a class, m in the paper."""
        temperature: Annotated[float, Uniform(0.1, 1), POSITIVE] = 0.5
        """Temperature of remembered predictions, T in the paper; below 1 it sharpens them."""

    hp: Hparams
    _seen: Unlabeled
    memory_f: Tensor
    memory_p: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("memory_f", torch.zeros(0, self.width))
        self.register_buffer("memory_p", torch.zeros(0, classes))

    def prepare(self, source: LabeledImages, target: Images) -> None:
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

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and that of target images with the voted classes."""
        self._seen = batch.target
        f_s, f_t = self.features(batch)
        confidence, y = self.vote(f_t.detach(), batch.target.index).max(1)
        loss = F.cross_entropy(self.head(f_t), y, reduction="none")
        loss = (confidence * loss).sum() / confidence.sum()
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "neighbors": self.hp.trade_off * progress * loss,
        }

    def vote(self, f: Float[Tensor, "m d"], index: Int[Tensor, "m"]) -> Float[Tensor, "m k"]:
        """Average the remembered predictions of the nearest other images, by cosine similarity."""
        with torch.autocast(f.device.type, enabled=False):
            similarity = f.to(self.memory_f) @ self.memory_f.mT
        similarity[torch.arange(len(f), device=f.device), index] = -torch.inf
        nearest = similarity.topk(self.hp.neighbors).indices
        return self.memory_p[nearest].mean(1)

    @torch.no_grad()
    def after_step(self) -> None:
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
