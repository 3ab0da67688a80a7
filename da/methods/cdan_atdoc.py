"""Conditional domain-adversarial training with an auxiliary target-oriented classifier."""

from dataclasses import dataclass
from typing import Annotated

from torch import nn

from da.config.limits import AMOUNT, COUNT, POSITIVE
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.domain import Images, LabeledImages
from da.methods._neighbor_vote import NeighborVote
from da.methods.base import Batch, Losses, Network, Scalar
from da.methods.cdan import CDAN


class CDANATDOC(CDAN):
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
    vote = NeighborVote.vote

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        NeighborVote.add_memory(self)

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Reserve a place in the memory for each target image.

        Raises:
            ValueError: The target has no more images than `neighbors`.
        """
        NeighborVote.prepare(self, source, target)

    def after_step(self) -> None:
        """Remember features and predictions of the step's target images, in evaluation mode."""
        NeighborVote.after_step(self)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN, and that of target images with the voted classes."""
        f_s, f_t = self.features(batch)
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        neighbors = NeighborVote.neighbor_loss(self, f_t, batch.target)
        return {**losses, "neighbors": self.hp.neighbor_trade_off * progress * neighbors}
