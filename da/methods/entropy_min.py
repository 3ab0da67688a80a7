"""Entropy minimization."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import prediction_entropy


class EntropyMin(Method):
    """Make target predictions certain, so that class boundaries avoid target images."""

    paper = "Grandvalet & Bengio 2004, NeurIPS 17"
    family = "entropy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of SAFN+ENT, since the paper chooses its weight for each task."""

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.1
        """Weight of the entropy, lambda in the paper; 0 for no adaptation."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the mean entropy of target predictions."""
        f_s, f_t = self.features(batch)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "entropy": self.hp.trade_off * prediction_entropy(self.head(f_t)).mean(),
        }
