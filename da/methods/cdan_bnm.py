"""Conditional domain-adversarial training with batch nuclear-norm maximization."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan import CDAN
from da.ops.functional import nuclear_norm


class CDANBNM(CDAN):
    """Train CDAN+E, and maximize the nuclear norm of target predictions (BNM)."""

    paper = "Cui et al. 2020, arXiv:2003.12237"
    family = "combination"
    batchable: ClassVar[tuple[str, ...] | None] = "trade_off", "nuclear_trade_off"

    @dataclass(frozen=True)
    class Hparams(CDAN.Hparams):
        """Settings of the paper's CDAN+BNM, with the nuclear norm divided by the batch size."""

        nuclear_trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the nuclear norm, lambda in the paper; 0 for CDAN."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN, and minus the nuclear norm of target predictions."""
        f_s, f_t = self.features(batch)
        norm = nuclear_norm(self.head(f_t).softmax(1))
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        return {**losses, "nuclear": -self.hp.nuclear_trade_off * norm}
