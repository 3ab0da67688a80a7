"""Universal test-time adaptation by weight ensembling, diversity weights and prior correction."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from da.config.limits import POSITIVE, SHARE, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._norms import MovesNorms, without_tracking
from da.methods._views import View
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy


class ROID(MovesNorms):
    """Adapt norms by certain and diverse test images, and pull them back to the source's.

    Raises ValueError for a network without batch, layer or group norm.
    """

    paper = "Marsden et al. 2024, arXiv:2306.00650"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        Views of pixels are turned, moved, scaled, mirrored and tinted; a view of features lacks a
        share of them. Predictions of the stream are corrected by the classes of their batch, as in
        the authors' code: logits are multiplied by the smoothed prior.

        Differs from the authors' code: after the stream, the network uses the mean statistics of
        the stream.
        """

        source_keep: Annotated[float, Choice(0.9, 0.99, 0.999), UNIT] = 0.99
        """Share of the moved weights that a step keeps; the rest is the source's."""
        mean_momentum: Annotated[float, Uniform(0.5, 0.99), UNIT] = 0.9
        """Share of the mean prediction that a step keeps."""
        temperature: Annotated[float, LogUniform(0.1, 10), POSITIVE] = 1 / 3
        """Temperature of the images' weights."""
        feature_dropout: Annotated[float, Uniform(0.05, 0.5), SHARE] = 0.2
        """Share of features that a view of features lacks; ours. Unused for pixels."""

    hp: Hparams
    mean: Tensor
    begun: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.view = View(hp.feature_dropout)
        self.register_buffer("mean", torch.full((classes,), 1 / classes))
        self.register_buffer("begun", torch.zeros(0))

    def train(self, mode: bool = True) -> "ROID":
        """Set the mode of batch norms and views; all other layers stay in evaluation mode."""
        super().train(mode)
        self.view.train(mode)
        return self

    def prepare_target(self, target: Images) -> None:
        """Keep the source's norms, and begin a stream of which no image has been seen."""
        self.begun = parameters_to_vector(self.moving()).detach().clone()
        self.mean = torch.full_like(self.mean, 1 / self.classes)
        super().prepare_target(target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the weighted likelihood ratio, and the gap to the predictions of views."""
        x, n = batch.target.x, len(batch.target.x)
        logits = self.predict(x).float()
        p = logits.detach().softmax(1)
        self.keep(batch.target, correct_prior(logits.detach()))
        self._mean = torch.lerp(p.mean(0), self.mean, self.hp.mean_momentum)
        weight = image_weights(logits.detach(), self.mean, self.hp.temperature)
        chosen = weight > 0
        with without_tracking(self):
            views = self.predict(self.view(x)).float()
        gap = symmetric_cross_entropy(views[chosen], logits[chosen])
        return {
            "ratio": (weight * likelihood_ratio(logits)).sum() / n,
            "consistency": (weight[chosen] * gap).sum() / n,
        }

    @torch.no_grad()
    def after_step(self) -> None:
        """Store the predictions, and pull the norms toward the source's."""
        super().after_step()
        self.mean = self._mean
        now = parameters_to_vector(self.moving())
        vector_to_parameters(self.begun.lerp(now, self.hp.source_keep), self.moving())


def image_weights(
    logits: Float[Tensor, "b k"], mean: Float[Tensor, "k"], temperature: float
) -> Float[Tensor, "b"]:
    """Weigh images by how certain they are and how unlike the mean prediction.

    Images that are more like it than the others on average weigh 0 (Marsden et al. 2024, section
    3.2).

    Args:
        logits: Class logits of the images.
        mean: Mean prediction so far.
        temperature: Temperature of the weights.
    """
    diverse = _stretch(1 - F.cosine_similarity(mean[None], logits.softmax(1)))
    certain = _stretch(-prediction_entropy(logits))
    return (diverse * certain / temperature).exp() * (diverse >= diverse.mean())


def _stretch(v: Float[Tensor, "b"]) -> Float[Tensor, "b"]:
    """Scale numbers to 0..1."""
    return (v - v.min()) / (v.max() - v.min()).clamp_min(1e-12)


def likelihood_ratio(logits: Float[Tensor, "b k"]) -> Float[Tensor, "b"]:
    """Return the mean negative log of the odds of each class, as predicted (Mummadi et al. 2021).

    Probabilities are at most 0.99, from where on no gradient flows.
    """
    p = logits.softmax(1).clamp(max=0.99)
    return -(p * (p / (1 - p) + 1e-5).log()).sum(1)


def symmetric_cross_entropy(
    views: Float[Tensor, "b k"], logits: Float[Tensor, "b k"]
) -> Float[Tensor, "b"]:
    """Return the mean of the cross-entropies in both directions."""
    there = (logits.softmax(1) * views.log_softmax(1)).sum(1)
    back = (views.softmax(1) * logits.log_softmax(1)).sum(1)
    return -(there + back) / 2


def correct_prior(logits: Float[Tensor, "b k"]) -> Float[Tensor, "b k"]:
    """Return logits times the smoothed frequency of each class in the batch, as predicted."""
    b, k = logits.shape
    prior = logits.softmax(1).mean(0)
    smooth = max(1 / b, 1 / k) / prior.max()
    return logits * (prior + smooth) / (1 + smooth * k)
