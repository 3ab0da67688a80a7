"""Attracting and dispersing: clustering of target features, without source images."""

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Batch, TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods._memory import Memory, require_images
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.precision import upcast


class AaD(Method):
    """Give target images the predictions of their neighbors, and others than the rest of a batch.

    Raises ValueError for a target with too few images.
    """

    paper = "Yang et al. 2022, arXiv:2205.04183"
    family = "source-free"
    source_free = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code for VisDA; the source model is that of the run in `init`.

        For Office-Home, they use 3 neighbors and a `decay` of 0. Differs from that code: features
        and predictions are remembered after the step and in evaluation mode, so that dropout, which
        that code has not, does not choose the neighbors.
        """

        neighbors: Annotated[int, Choice(1, 2, 3, 5, 10), COUNT] = 5
        """Number of nearest target images whose predictions attract, K in the paper."""
        trade_off: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
        """Weight of the dispersion at the start."""
        decay: Annotated[float, Uniform(0, 5), AMOUNT] = 5.0
        """Exponent of its decay: the weight is multiplied by (1 + 10 p)^-decay at progress p."""

    hp: Hparams
    _seen: Unlabeled

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.memory = Memory(self.width, classes)

    def prepare_target(self, target: Images) -> None:
        """Remember features and predictions of all target images.

        Raises:
            ValueError: The target has no more images than `neighbors`.
        """
        require_images(len(target), neighbors=self.hp.neighbors)
        self.memory.fill(self, target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the attraction of neighbors and the dispersion of the batch."""
        self._seen = batch.target
        f = self.embed(batch.target.x)
        p = upcast(self.head(f)).softmax(1)
        nearest = self.memory.find_nearest(f, self.hp.neighbors, batch.target.index)
        weight = self.hp.trade_off * (1 + 10 * progress) ** -self.hp.decay
        return {
            "attraction": -(p[:, None] * self.memory.p[nearest]).sum((1, 2)).mean(),
            "dispersion": weight * similarity_of_others(p),
        }

    def after_step(self) -> None:
        """Remember the step's target images."""
        self.memory.update(self, self._seen)


def similarity_of_others(p: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Return the sum of the products of a prediction with all others, in the mean over images.

    This is the dispersion of Yang et al. 2022, computed without the pairs.
    """
    return (p.sum(0).square().sum() - p.square().sum()) / len(p)
