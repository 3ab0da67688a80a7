"""Distillation of a black box: a finished run of which predictions alone are known."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, PART, UNIT
from da.config.ranges import LogUniform, Uniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._mixup import draw_mixture, mix
from da.methods._target_pass import over_target
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import marginal_entropy, prediction_entropy
from da.ops.precision import upcast

BETA = 0.3
"""Both parameters of the distribution of shares in a mixture, as in the authors' code."""


class DINE(Method):
    """Train a network of its own on a finished run's predictions of target images, then refine it.

    Neither that run's weights nor any source image is seen.
    """

    paper = "Liang et al. 2022, arXiv:2104.01539"
    family = "source-free"
    source_free = True
    taught = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code, which has 30 epochs of either stage.

        The second stage there is a run with a learning rate of its own.
        """

        teacher: str = ""
        """Id of a run with stored weights, whose predictions are all that is known of it."""
        top: Annotated[int, COUNT] = 1
        """Number of the likeliest classes whose probabilities are kept; others share the rest."""
        keep: Annotated[float, Uniform(0, 1), UNIT] = 0.6
        """Share of the predictions learned from that a refresh keeps; the rest is the network's."""
        refreshes: Annotated[int, COUNT] = 10
        """Number of intervals of a run, between which these predictions are refreshed."""
        mixture: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the agreement of a mixture's prediction with the mixture of predictions."""
        distilled: Annotated[float, Uniform(0.25, 1), PART] = 0.5
        """Share of the training that distills; the rest maximizes mutual information alone."""

    hp: Hparams
    predictions: Tensor
    """Logits that the black box gives of all target images; set before `prepare_target`."""
    guesses: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("guesses", torch.zeros(0, classes))

    def prepare_target(self, target: Images) -> None:
        """Keep the target images, and what the black box says of them."""
        self.target, self.progress, self.found = target, 0.0, 1
        self.guesses = smooth_others(self.predictions.softmax(1), self.hp.top)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return both divergences, and entropy and evenness of the predictions."""
        x, self.progress = batch.target.x, float(progress)
        logits = self.predict(x)
        distill = mixture = logits.new_zeros((), dtype=torch.float32)
        if self.distills():
            distill = divergence(logits, self.guesses[batch.target.index])
            mixture = self.hp.mixture * self.mixture_divergence(x, logits.detach())
        return {
            "distill": distill,
            "mixture": mixture,
            "entropy": prediction_entropy(logits).mean(),
            "evenness": -marginal_entropy(logits),
        }

    def distills(self) -> bool:
        """Return whether the training is in its first stage."""
        return self.progress < self.hp.distilled

    def mixture_divergence(self, x: Tensor, logits: Float[Tensor, "m k"]) -> Float[Tensor, ""]:
        """Return the divergence of predictions of mixed images from their mixed predictions."""
        order, shares = draw_mixture(len(x), BETA * self.training, x)
        share = shares[:1].expand(len(x))  # one for the batch, as in the authors' code
        guess = mix(upcast(logits).softmax(1), order, share)
        return divergence(self.predict(mix(x, order, share)), guess)

    @torch.no_grad()
    def after_step(self) -> None:
        """Refresh what is learned from, at evenly spaced steps of the first stage."""
        if self.distills() and self.progress * self.hp.refreshes >= self.found:
            p = over_target(self, self.target, self.predict).softmax(1)
            self.guesses = self.hp.keep * self.guesses + (1 - self.hp.keep) * p
            self.found += 1


def smooth_others(p: Float[Tensor, "m k"], top: int) -> Float[Tensor, "m k"]:
    """Keep the largest probabilities of each row, and share the rest evenly among the others.

    This is the adaptive label smoothing of Liang et al. 2022.
    """
    kept, places = p.topk(min(top, p.shape[1]))
    others = max(p.shape[1] - top, 1)
    rest = (1 - kept.sum(1, keepdim=True)).clamp_min(0) / others
    return rest.expand_as(p).scatter(1, places, kept)


def divergence(logits: Float[Tensor, "b k"], p: Float[Tensor, "b k"]) -> Float[Tensor, ""]:
    """Return the mean Kullback-Leibler divergence of predictions from probabilities `p`."""
    return F.kl_div(upcast(logits).log_softmax(1), p, reduction="batchmean")
