"""Domain-adaptive neighborhood clustering by entropy."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform, Uniform
from da.data.batch import Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods._cosine_head import build_cosine_head
from da.methods._memory import Memory
from da.methods._neighbors import compare_targets
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy


class DANCE(Method):
    """Bring each target image near one neighbor, which is a target image or a class's prototype.

    Certain predictions become more certain, and uncertain ones less. An image is unknown where the
    entropy of its prediction is above half of the largest.
    """

    paper = "Saito et al. 2020, arXiv:2002.07953"
    family = "universal"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        Differs from that code: the memory holds features in evaluation mode, and begins with those
        of all target images; source images are not drawn evenly by class.
        """

        trade_off: Annotated[float, LogUniform(0.005, 0.5), AMOUNT] = 0.05
        """Weight of both target losses, lambda in the paper; 0 for no adaptation."""
        temperature: Annotated[float, LogUniform(0.01, 1), POSITIVE] = 0.05
        """Temperature of the cosines with prototypes and with target images."""
        margin: Annotated[float, Uniform(0, 1), AMOUNT] = 0.5
        """Distance of an entropy from half of the largest below which it stays, in nats."""

    hp: Hparams
    _seen: Unlabeled

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.head = build_cosine_head(network, self.width, classes, hp.temperature)
        self.memory = Memory(self.width, classes)

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Remember the features of all target images."""
        self.memory.fill(self, target)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and both losses of the target."""
        self._seen = batch.target
        f_s, f_t = self.features(batch)
        z = self.head(f_t)
        cosines, _ = compare_targets(f_t, self.memory, batch.target.index)
        near = prediction_entropy(torch.cat([z, cosines / self.hp.temperature], 1)).mean()
        apart = separation_loss(z, self.hp.margin)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "neighborhood": self.hp.trade_off * near,
            "separation": self.hp.trade_off * apart,
        }

    def after_step(self) -> None:
        """Remember the features of the step's target images."""
        self.memory.update(self, self._seen)


def separation_loss(logits: Float[Tensor, "m k"], margin: float) -> Float[Tensor, ""]:
    """Return minus the mean distance of entropies from half of the largest (Saito et al. 2020).

    A distance below the margin counts as the margin, and has no gradient.
    """
    distance = (prediction_entropy(logits) - math.log(logits.shape[1]) / 2).abs()
    return -distance.clamp_min(margin).mean()
