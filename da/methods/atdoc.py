"""Auxiliary target-domain-oriented classifier, by neighborhood aggregation."""

from dataclasses import dataclass
from typing import Annotated

from da.config.limits import AMOUNT, COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform, Uniform
from da.methods._neighbor_vote import NeighborVote
from da.methods.base import Batch, Losses, Method, Scalar


class ATDOC(NeighborVote):
    """Train target images on the classes predicted for their nearest neighbors in the target.

    The predictions are remembered from earlier steps. Raises ValueError for a target with too few
    images.
    """

    paper = "Liang et al. 2021, arXiv:2007.04171"
    family = "entropy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of ATDOC-NA as in its authors' code for Office-Home.

        Differs from that code: images that were not seen yet have features of 0 in the memory;
        there they have random ones.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.2
        """Final weight of the neighbors' classes, lambda in the paper; 0 for no adaptation.
        It grows linearly with the progress of the training.
        """
        neighbors: Annotated[int, Choice(1, 3, 5, 10, 20), COUNT] = 5
        """Number of nearest target images that vote on a class, m in the paper."""
        temperature: Annotated[float, Uniform(0.1, 1), POSITIVE] = 0.5
        """Temperature of remembered predictions, T in the paper; below 1 it sharpens them."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and that of target images with the voted classes."""
        f_s, f_t = self.features(batch)
        neighbors = self.neighbor_loss(f_t, batch.target)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "neighbors": self.hp.trade_off * progress * neighbors,
        }
