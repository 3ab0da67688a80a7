"""Auxiliary target-domain-oriented classifier, by neighborhood aggregation."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods.base import Batch, Losses, Method, Network, Scalar


class ATDOC(Method):
    """Target images learn the class that their nearest neighbors in the target are taken for.

    Raises ValueError for a target of too few images.
    """

    paper = "Liang et al. 2021, arXiv:2007.04171"
    family = "entropy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """ATDOC-NA as in its authors' code for Office-Home.

        There, images that were not seen yet are remembered with features at random; here with 0.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10)] = 0.2
        """Weight of the neighbors' classes at the end of a linear ramp, lambda in the paper."""
        neighbors: Annotated[int, Choice(1, 3, 5, 10, 20)] = 5
        """How many target images vote, m in the paper."""
        temperature: Annotated[float, Uniform(0.1, 1)] = 0.5
        """Sharpens remembered predictions, T in the paper."""

    hp: Hparams
    _seen: Unlabeled
    memory_f: Tensor
    memory_p: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("memory_f", torch.zeros(0, self.width))
        self.register_buffer("memory_p", torch.zeros(0, classes))

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """A place in the memory for each target image: no features yet, every class alike."""
        size = len(target)
        if size <= self.hp.neighbors:
            raise ValueError(
                f"neighbors {self.hp.neighbors} needs more than {size} target images, "
                "known: below that"
            )
        self.memory_f = self.memory_f.new_zeros(size, self.width)
        self.memory_p = self.memory_p.new_full((size, self.classes), 1 / self.classes)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Cross-entropy of source classes, and of those that neighbors vote for."""
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
        """Mean of what is remembered of the nearest other images, by cosine."""
        with torch.autocast(f.device.type, enabled=False):
            similarity = f.to(self.memory_f) @ self.memory_f.mT
        similarity[torch.arange(len(f), device=f.device), index] = -torch.inf
        nearest = similarity.topk(self.hp.neighbors).indices
        return self.memory_p[nearest].mean(1)

    @torch.no_grad()
    def after_step(self) -> None:
        """Remember the step's target images as the network, without noise, now sees them."""
        seen = self._seen
        with self.evaluating():
            f = self.embed(seen.x)
        self.memory_f[seen.index] = F.normalize(f)
        self.memory_p[seen.index] = sharpened(self.head(f), self.hp.temperature)


def sharpened(logits: Float[Tensor, "m k"], temperature: float) -> Float[Tensor, "m k"]:
    """Predictions to the power of 1 / temperature, each class over its sum in the batch.

    So that no class has more than another to say (Liang et al. 2021).
    """
    return (logits.log_softmax(1) / temperature).softmax(0)
