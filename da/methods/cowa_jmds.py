"""Confidence of pseudo-labels by model and data, without source images."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import LogUniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._mixup import draw_mixture, mix
from da.methods._target_pass import over_target
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.precision import upcast

RIDGE = 1e-6
"""Variance that is added to each feature, as in the authors' code."""


class CoWAJMDS(Method):
    """Train on mixtures of pseudo-labeled target images, weighted by how sure their labels are."""

    paper = "Lee et al. 2022, arXiv:2206.06640"
    family = "source-free"
    source_free = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code for Office-Home; the source model is that of `init`.

        For VisDA, `mixup` is 2, and pseudo-labels are computed 15 times. Differs from that code:
        the classifier moves at the rate of the neck; there at a tenth of it.
        """

        mixup: Annotated[float, LogUniform(0.05, 2), AMOUNT] = 0.2
        """Parameter of the shares in a mixture, of a Beta law, alpha in the paper; 0 for none."""
        refreshes: Annotated[int, COUNT] = 30
        """Number of times that pseudo-labels and their weights are computed in a run."""

    hp: Hparams
    labels: Tensor
    weights: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("labels", torch.zeros(0, dtype=torch.long))
        self.register_buffer("weights", torch.zeros(0))

    def prepare_target(self, target: Images) -> None:
        """Keep the target images, and label them for the first time."""
        self.target, self.progress, self.found = target, 0.0, 0
        self.label()

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the weighted cross-entropy of mixtures with their mixed pseudo-labels."""
        x, index = batch.target.x, batch.target.index
        self.progress = float(progress)
        order, share = draw_mixture(len(x), self.hp.mixup * self.training, x)
        y = F.one_hot(self.labels[index], self.classes).to(share)
        log_p = upcast(self.predict(mix(x, order, share))).log_softmax(1)
        each = -(mix(y, order, share) * log_p).sum(1)
        return {"pseudo": (mix(self.weights[index], order, share) * each).mean()}

    def after_step(self) -> None:
        """Label all images again, at evenly spaced steps of the training."""
        if self.progress * self.hp.refreshes >= self.found:
            self.label()

    @torch.no_grad()
    def label(self) -> None:
        """Compute pseudo-labels and weights of all target images, in evaluation mode."""
        f = over_target(self, self.target, self.embed)
        self.labels, self.weights = weighted_labels(f, upcast(self.head(f)).softmax(1))
        self.found += 1


def weighted_labels(
    f: Float[Tensor, "m d"], p: Float[Tensor, "m k"]
) -> tuple[Int[Tensor, "m"], Float[Tensor, "m"]]:
    """Label images by a mixture of Gaussians, and weigh each label by model and data.

    The weight is the probability of the label by the model, times the gap in log-probability, by
    the mixture, to the second class, as a share of the largest gap (Lee et al. 2022). As in the
    authors' code, features have length 1. The Gaussians are fitted twice: first with means by the
    predictions `p` and covariances of all images, then by the probabilities that follow.
    """
    f = F.normalize(f).double()
    log_q = mixture_log_probabilities(f, p.double(), torch.full_like(p.double(), 1 / p.shape[1]))
    log_q = mixture_log_probabilities(f, log_q.exp(), log_q.exp())
    (first, second), y = log_q.topk(2).values.mT, log_q.argmax(1)
    gap = first - second
    certainty = gap / gap.max().clamp_min(torch.finfo(gap.dtype).tiny)
    return y, (certainty * p.gather(1, y[:, None]).squeeze(1)).to(p)


def mixture_log_probabilities(
    f: Float[Tensor, "m d"], q: Float[Tensor, "m k"], spread: Float[Tensor, "m k"]
) -> Float[Tensor, "m k"]:
    """Return the log-probability of each class by Gaussians fitted to weighted images.

    Args:
        f: Features.
        q: Weights of images in the mean and the frequency of each class.
        spread: Weights of images in the covariance of each class.
    """
    tiny = torch.finfo(f.dtype).tiny
    sizes = q.sum(0).clamp_min(tiny)
    means = q.mT @ f / sizes[:, None]
    each = [
        gaussian_log_density(f - mean, weight / weight.sum().clamp_min(tiny))
        for mean, weight in zip(means, spread.mT, strict=True)
    ]
    return (torch.stack(each, 1) + sizes.log()).log_softmax(1)


def gaussian_log_density(
    offsets: Float[Tensor, "m d"], weights: Float[Tensor, "m"]
) -> Float[Tensor, "m"]:
    """Return the log-density of offsets from the mean by their weighted covariance, but a constant.

    Where the covariance is singular in spite of the ridge, the ridge is 100 times as large.
    """
    covariance = offsets.mT @ (weights[:, None] * offsets)
    eye = torch.eye(len(covariance), dtype=offsets.dtype, device=offsets.device)
    root, failed = torch.linalg.cholesky_ex(covariance + RIDGE * eye)
    if failed:
        root = torch.linalg.cholesky(covariance + 101 * RIDGE * eye)
    whitened = torch.linalg.solve_triangular(root, offsets.mT, upper=False)
    return -root.diagonal().log().sum() - whitened.square().sum(0) / 2
