"""Neighborhood reciprocity clustering of target features, without source images."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import COUNT, UNIT
from da.config.ranges import Choice, Uniform
from da.data.batch import Batch, TargetBatch, Unlabeled
from da.data.domain import Images
from da.methods._memory import Memory, require_images
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import marginal_entropy
from da.ops.precision import upcast


class NRC(Method):
    """Give target images the predictions of their neighbors, above all of reciprocal ones.

    Raises ValueError for a target with too few images.
    """

    paper = "Yang et al. 2021, arXiv:2110.04202"
    family = "source-free"
    source_free = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code for VisDA; the source model is that of the run in `init`.

        For Office-Home, they begin with 4 neighbors and 3 of each, and go on with 5 and 4. Differs
        from that code: a reciprocal neighbor weighs 1, as in the paper, where the code for VisDA
        has 0.1; features and predictions are remembered after the step and in evaluation mode, so
        that dropout, which that code has not, does not choose the neighbors.
        """

        neighbors: Annotated[int, Choice(1, 2, 3, 5, 10), COUNT] = 5
        """Number of nearest target images, K in the paper."""
        expanded: Annotated[int, Choice(1, 2, 3, 5, 10), COUNT] = 5
        """Number of nearest images of each neighbor, M in the paper."""
        affinity: Annotated[float, Uniform(0, 1), UNIT] = 0.1
        """Weight of expanded neighbors, and of neighbors that are not reciprocal; others have 1.
        A neighbor is reciprocal where the image is among the nearest ones of that neighbor.
        """

    hp: Hparams
    _seen: Unlabeled

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.memory = Memory(self.width, classes)

    def prepare_target(self, target: Images) -> None:
        """Remember features and predictions of all target images.

        Raises:
            ValueError: The target has no more images than `neighbors` or `expanded`.
        """
        require_images(len(target), neighbors=self.hp.neighbors, expanded=self.hp.expanded)
        self.memory.fill(self, target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return agreement with neighbors and expanded neighbors, and evenness of predictions."""
        self._seen, index = batch.target, batch.target.index
        f = self.embed(batch.target.x)
        logits = self.head(f)
        nearest = self.memory.find_nearest(f, self.hp.neighbors, index)
        further = self.find_expanded(nearest)
        p, affinity = upcast(logits).softmax(1), self.hp.affinity
        weights = affinity + (1 - affinity) * (further == index[:, None, None]).any(2).to(p)
        return {
            "neighbors": -self.agreement(p, nearest, weights),
            "expanded": -affinity * self.agreement(p, further.flatten(1)),
            "evenness": -marginal_entropy(logits),
        }

    def find_expanded(self, nearest: Int[Tensor, "b _"]) -> Int[Tensor, "b _ _"]:
        """Return the neighbors of neighbors, among which an image itself can be."""
        flat = nearest.flatten()
        found = self.memory.find_nearest(self.memory.f[flat], self.hp.expanded, flat)
        return found.unflatten(0, nearest.shape)

    def agreement(
        self, p: Float[Tensor, "b k"], places: Int[Tensor, "b n"], weights: Tensor | float = 1.0
    ) -> Float[Tensor, ""]:
        """Return the weighted sum of products with remembered predictions, in the mean over images.

        Args:
            p: Class probabilities of the batch.
            places: Index of the remembered images that each is compared with.
            weights: Weight of each of these.
        """
        products = torch.einsum("bk,bnk->bn", p, self.memory.p[places])
        return (weights * products).sum(1).mean()

    def after_step(self) -> None:
        """Remember the step's target images."""
        self.memory.update(self, self._seen)
