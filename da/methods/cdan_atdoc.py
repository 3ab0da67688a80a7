"""Conditional domain-adversarial training with an auxiliary target-oriented classifier."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform, Uniform
from da.methods._neighbor_vote import NeighborVote
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan import CDAN


class CDANATDOC(NeighborVote, CDAN):
    """Train CDAN+E, and target images on the classes predicted for their neighbors (ATDOC).

    Raises ValueError for a target with too few images.
    """

    paper = "Liang et al. 2021, arXiv:2007.04171"
    family = "combination"
    batchable = None

    @dataclass(frozen=True)
    class Hparams(CDAN.Hparams):
        """Settings of CDAN+E and of ATDOC-NA, which the paper adds to it."""

        neighbor_trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.2
        """Final weight of the neighbors' classes, lambda in the paper; 0 for CDAN.
        It grows linearly with the progress of the training.
        """
        neighbors: Annotated[int, Choice(1, 3, 5, 10, 20), COUNT] = 5
        """Number of nearest target images that vote on a class, m in the paper."""
        temperature: Annotated[float, Uniform(0.1, 1), POSITIVE] = 0.5
        """Temperature of remembered predictions, T in the paper; below 1 it sharpens them."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN, and that of target images with the voted classes."""
        f_s, f_t = self.features(batch)
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        neighbors = self.neighbor_loss(f_t, batch.target)
        return {**losses, "neighbors": self.hp.neighbor_trade_off * progress * neighbors}
