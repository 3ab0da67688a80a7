"""Batch nuclear-norm maximization."""

from dataclasses import dataclass
from typing import Annotated, Literal

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import nuclear_norm


class BNM(Method):
    """Maximize the nuclear norm of target predictions, so that they are certain and diverse."""

    paper = "Cui et al. 2020, arXiv:2003.12237"
    family = "entropy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper, with the nuclear norm divided by the batch size.

        Its authors' code takes the mean of the singular values instead, which `average_over` does
        too. It is the same where a batch has no more images than there are classes.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the nuclear norm, lambda in the paper; 0 for no adaptation."""
        average_over: Literal["images", "singular_values"] = "images"
        """Number by which the norm is divided: that of the images, or of the singular values."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and minus the nuclear norm of target predictions."""
        f_s, f_t = self.features(batch)
        p = self.head(f_t).softmax(1)
        fewer = len(p) / min(p.shape) if self.hp.average_over == "singular_values" else 1.0
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "nuclear": -self.hp.trade_off * fewer * nuclear_norm(p),
        }
