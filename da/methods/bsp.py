"""Batch spectral penalization."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import IntRange, LogUniform
from da.methods._spectral import penalized_losses
from da.methods.base import Batch, Losses, Scalar
from da.methods.dann import DANN


class BSP(DANN):
    """Train DANN and penalize the directions of its features that outweigh the others."""

    paper = "Chen et al. 2019, ICML"
    family = "norm"
    batchable = "trade_off", "penalty"

    @dataclass(frozen=True)
    class Hparams(DANN.Hparams):
        """Settings of the paper's BSP+DANN.

        As in the paper, the penalty is a sum over the images of a batch. There, a batch has 36
        images of each domain.
        """

        penalty: Annotated[float, LogUniform(1e-6, 1e-2), AMOUNT] = 1e-4
        """Weight of the largest squared singular values, beta in the paper; 0 for DANN."""
        directions: Annotated[int, IntRange(1, 4), COUNT] = 1
        """Number of singular values that are penalized in each domain, k in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of DANN, and the spectral penalty of both domains' features."""
        return penalized_losses(self, batch, progress)
