"""Conditional domain-adversarial training with batch spectral penalization."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import IntRange, LogUniform
from da.methods._spectral import penalized_losses
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan import CDAN


class CDANBSP(CDAN):
    """Train CDAN+E, and penalize the directions of its features that outweigh the others (BSP)."""

    paper = "Chen et al. 2019, ICML"
    family = "combination"
    batchable: ClassVar[tuple[str, ...] | None] = "trade_off", "penalty"

    @dataclass(frozen=True)
    class Hparams(CDAN.Hparams):
        """Settings of CDAN+E and of the paper's BSP."""

        penalty: Annotated[float, LogUniform(1e-6, 1e-2), AMOUNT] = 1e-4
        """Weight of the largest squared singular values, beta in the paper; 0 for CDAN."""
        directions: Annotated[int, IntRange(1, 4), COUNT] = 1
        """Number of singular values that are penalized in each domain, k in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN, and the spectral penalty of both domains' features."""
        return penalized_losses(self, batch, progress)
