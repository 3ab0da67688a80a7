"""Minimax entropy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

from torch import nn

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods._cosine_head import build_cosine_head
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar
from da.ops.functional import prediction_entropy, reverse_gradient


class MME(Method):
    """Move classes toward target features by raising their entropy, and features to classes.

    It learns from a few labeled target images, half of each source batch, and works without. Raises
    ValueError where there is neither a neck nor a backbone to learn.
    """

    paper = "Saito et al. 2019, arXiv:1904.06487"
    family = "semi-supervised"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper; batch norm sees one domain at a time, as in the authors' code."""

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.1
        """Weight of the entropy, lambda in the paper; 0 for no adaptation."""
        temperature: Annotated[float, LogUniform(0.01, 1), POSITIVE] = 0.05
        """Temperature of the classifier, T in the paper: logits are products with unit features."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.head = build_cosine_head(network, self.width, classes, hp.temperature, unit=False)
        if not [*self.backbone.parameters(), *self.neck.parameters()]:
            raise ValueError("mme learns features, not with neck 0 on frozen ones: use a neck")

    def phases(self) -> Iterator[Phase]:
        """Return a step on labeled images, and one on target images; each moves all."""
        yield Phase(self, self.parameters())
        yield Phase(self.oppose, self.parameters())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the cross-entropy of labeled images."""
        return {"task": self.task_loss(self.predict_source(batch.source.x), batch.source.y)}

    def oppose(self, batch: Batch, progress: Scalar) -> Losses:
        """Return minus the target's entropy, with its gradient reversed for the features."""
        logits = self.head(reverse_gradient(self.embed(batch.target.x)))
        return {"entropy": -self.hp.trade_off * prediction_entropy(logits).mean()}
