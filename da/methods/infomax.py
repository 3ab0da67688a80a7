"""Information maximization."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import marginal_entropy, prediction_entropy


class InfoMax(Method):
    """Make target predictions certain one by one and, in a batch, spread over all classes."""

    paper = "Krause et al. 2010, NeurIPS 23; Liang et al. 2020, arXiv:2002.08546"
    family = "entropy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the two losses of SHOT-IM (Liang et al.), with a source in addition."""

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the mutual information of target image and predicted class; 0 for none."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the entropy and diversity of target predictions."""
        f_s, f_t = self.features(batch)
        logits_t = self.head(f_t)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "entropy": self.hp.trade_off * prediction_entropy(logits_t).mean(),
            "diversity": -self.hp.trade_off * marginal_entropy(logits_t),
        }
