"""Partial adversarial domain adaptation."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import COUNT, POSITIVE
from da.config.ranges import LogUniform
from da.data.batch import Batch
from da.data.domain import Images, LabeledImages
from da.methods._target_pass import over_target
from da.methods.base import Losses, Network, Scalar
from da.methods.dann import DANN
from da.ops.functional import reverse_gradient


class PADA(DANN):
    """Align domains as DANN does, but count source classes less that the target seems to lack."""

    paper = "Cao et al. 2018, arXiv:1808.04205"
    family = "partial"
    batchable = None

    @dataclass(frozen=True)
    class Hparams(DANN.Hparams):
        """Settings of Transfer-Learning-Library; the authors weigh classes 24 times in a run.

        Differs from that library: classes are weighed one step later, by weights of two steps more.
        """

        temperature: Annotated[float, LogUniform(0.01, 1), POSITIVE] = 0.1
        """Temperature of the target's predictions, whose mean is the weight of each class."""
        refreshes: Annotated[int, COUNT] = 24
        """Number of times in a run that classes are weighed; until the first all count alike."""

    hp: Hparams
    weights: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("weights", torch.ones(classes))

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Keep the target images, whose predictions weigh the classes."""
        self.target, self.progress, self.found = target, 0.0, 1

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the weighted source cross-entropy, and the weighted domain loss."""
        self.progress = float(progress)
        return super().forward(batch, progress)

    def domain_losses(
        self,
        f_s: Float[Tensor, "n d"],
        f_t: Float[Tensor, "m d"],
        y: Int[Tensor, "n"],
        progress: Scalar,
    ) -> Losses:
        """Compute both losses from features.

        Args:
            f_s: Features of source images.
            f_t: Features of target images.
            y: Classes of the source images.
            progress: Share of the training that is done, from 0 to 1.
        """
        each = self.weights[y]
        smoothing = self.network.label_smoothing
        task = F.cross_entropy(self.head(f_s), y, reduction="none", label_smoothing=smoothing)
        weights = torch.cat([each, each.mean().expand(len(f_t))])
        f = reverse_gradient(torch.cat([f_s, f_t]), self.strength(progress))
        logits = self.discriminator(f).squeeze(1)
        return {
            "task": (task * each).sum() / each.sum().clamp_min(1e-8),
            "domain": self.domain_loss(logits, len(f_s), weights),
        }

    def after_step(self) -> None:
        """Weigh the classes again, at evenly spaced steps of the training."""
        if self.progress * self.hp.refreshes >= self.found:
            self.weigh()
            self.found += 1

    def weigh(self) -> None:
        """Weigh the classes by the mean prediction of all target images; the largest counts 1."""
        logits = over_target(self, self.target, self.predict)
        self.weights = class_weights(logits, self.hp.temperature)


def class_weights(logits: Float[Tensor, "m k"], temperature: float) -> Float[Tensor, "k"]:
    """Return the mean prediction of each class, divided by the largest (Cao et al. 2018, eq. 4)."""
    mean = (logits / temperature).softmax(1).mean(0)
    return mean / mean.max()
