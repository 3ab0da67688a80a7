"""Minimum class confusion."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import class_confusion


class MCC(Method):
    """Minimize the confusion between pairs of classes in target predictions; align no domains."""

    paper = "Jin et al. 2020, arXiv:1912.03699"
    family = "entropy"
    batchable = "trade_off", "temperature"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper's section 3."""

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the confusion loss, mu in the paper; 0 for no adaptation."""
        temperature: Annotated[float, LogUniform(0.5, 10), POSITIVE] = 2.5
        """Temperature that softens target predictions, T in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the confusion of target classes."""
        f_s, f_t = self.features(batch)
        confusion = class_confusion(self.head(f_t), self.hp.temperature)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "confusion": self.hp.trade_off * confusion,
        }
