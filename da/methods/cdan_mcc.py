"""Conditional domain-adversarial training with minimum class confusion."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan import CDAN
from da.ops.functional import class_confusion


class CDANMCC(CDAN):
    """Train CDAN+E, and minimize the confusion between classes in target predictions (MCC)."""

    paper = "Jin et al. 2020, arXiv:1912.03699"
    family = "combination"
    batchable: ClassVar[tuple[str, ...] | None] = "trade_off", "confusion_trade_off", "temperature"

    @dataclass(frozen=True)
    class Hparams(CDAN.Hparams):
        """Settings of the paper's loss (section 3), added to CDAN+E.

        The code of Rangwani et al. 2022 adds it to CDAN, without `entropy`, and has a `temperature`
        of 2.
        """

        confusion_trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the confusion loss, mu in the paper; 0 for CDAN."""
        temperature: Annotated[float, LogUniform(0.5, 10), POSITIVE] = 2.5
        """Temperature that softens target predictions in the confusion loss, T in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN, and the confusion of target classes."""
        f_s, f_t = self.features(batch)
        confusion = class_confusion(self.head(f_t), self.hp.temperature)
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        return {**losses, "confusion": self.hp.confusion_trade_off * confusion}
