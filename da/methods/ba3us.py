"""Balanced adversarial alignment and adaptive uncertainty suppression."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from da.config.limits import AMOUNT, COUNT, POSITIVE, UNIT
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Losses, Scalar
from da.methods.pada import PADA
from da.ops.functional import entropy_weights, prediction_entropy, reverse_gradient
from da.ops.precision import upcast


class BA3US(PADA):
    """Align domains as PADA does, with some source images among those of the target.

    Wrong classes of source images get even probabilities, and target predictions become certain.
    """

    paper = "Liang et al. 2020, arXiv:2003.02541"

    @dataclass(frozen=True)
    class Hparams(PADA.Hparams):
        """Settings of the authors' code for Office-Home; on Office-31 its complement counts 5.

        Differs from that code: the borrowed images are some of the batch's source images, not
        others.
        """

        temperature: Annotated[float, LogUniform(0.01, 1), POSITIVE] = 1.0
        """Temperature of the target's predictions, whose mean is the weight of each class."""
        refreshes: Annotated[int, COUNT] = 10
        """Number of times in a run that classes are weighed, and fewer images are borrowed."""
        borrowed: Annotated[float, Uniform(0, 0.5), UNIT] = 0.25
        """Share of source images that also count as target at the start, 1 / mu in the paper.
        It falls to 0; 0 for none.
        """
        entropy_trade_off: Annotated[float, LogUniform(0.01, 1), AMOUNT] = 0.1
        """Weight of the entropy of target predictions; 0 for none."""
        complement_trade_off: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
        """Weight of how uneven the wrong classes of source images are; 0 for none."""

    hp: Hparams

    def domain_losses(
        self,
        f_s: Float[Tensor, "n d"],
        f_t: Float[Tensor, "m d"],
        y: Int[Tensor, "n"],
        progress: Scalar,
    ) -> Losses:
        """Compute all losses from features.

        Args:
            f_s: Features of source images.
            f_t: Features of target images.
            y: Classes of the source images.
            progress: Share of the training that is done, from 0 to 1.
        """
        f, n, strength = torch.cat([f_s, f_t]), len(f_s), self.strength(progress)
        z, weights = self.head(f), self.weights[y]
        smoothing = self.network.label_smoothing
        task = F.cross_entropy(z[:n], y, reduction="none", label_smoothing=smoothing)
        logits = self.discriminator(reverse_gradient(f, strength)).squeeze(1)
        certainty = entropy_weights(reverse_gradient(z.softmax(1), strength))
        balanced = self.balanced_loss(logits, weights * certainty[:n], certainty[n:])
        entropy = prediction_entropy(z[n:]).mean()
        complement = complement_entropy(z[:n], y, weights)
        return {
            "task": (task * weights).sum() / weights.sum().clamp_min(1e-8),
            "domain": balanced,
            "entropy": self.hp.entropy_trade_off * entropy,
            "complement": -self.hp.complement_trade_off * complement,
        }

    def balanced_loss(
        self, logits: Float[Tensor, "b"], w_s: Float[Tensor, "n"], w_t: Float[Tensor, "m"]
    ) -> Float[Tensor, ""]:
        """Compute the loss of the domain, where the target borrows source images.

        Each domain's weights are divided by their sum, and the borrowed images are the source's.

        Args:
            logits: Logits of coming from the source: all source images, then all target images.
            w_s: Weights of source images.
            w_t: Weights of target images.
        """
        n = len(w_s)
        borrowed = self.borrow(n).to(w_s.device, non_blocking=True)
        share = len(borrowed) / n
        smooth = self.hp.domain_smoothing * logits
        source = ((F.softplus(-logits[:n]) + smooth[:n]) * w_s).sum() + (
            (F.softplus(logits[borrowed]) - smooth[borrowed]) * w_s[borrowed]
        ).sum()
        source = source / (w_s.sum() + w_s[borrowed].sum()).detach().clamp_min(1e-8)
        target = ((F.softplus(logits[n:]) - smooth[n:]) * w_t).sum() / w_t.sum().detach()
        both = (1 + share) * source + target
        return both if self.hp.domain_loss == "sum" else both / (2 + share)

    def borrow(self, n: int) -> Int[Tensor, "_"]:
        """Return which of n source images the target borrows: fewer at each refresh."""
        stage = int(self.progress * self.hp.refreshes) / self.hp.refreshes
        count = int(int(n * self.hp.borrowed) * (1 - stage))
        return torch.arange(count) * n // max(count, 1)


def complement_entropy(
    logits: Float[Tensor, "n k"], y: Int[Tensor, "n"], weights: Float[Tensor, "n"]
) -> Float[Tensor, ""]:
    """Return the mean entropy of wrong classes, from 0 to 1 (Liang et al. 2020).

    An image counts the more the less sure it is of its class. No gradient flows through that.

    Args:
        logits: Class logits of source images.
        y: Their classes.
        weights: Weight of each image.
    """
    z = upcast(logits)
    right = F.one_hot(y, z.shape[1]).bool()
    weights = weights * z.detach().softmax(1).masked_fill(right, 0).sum(1)
    entropy = prediction_entropy(z.masked_fill(right, -1e9))
    most = math.log(max(z.shape[1] - 1, 2))
    return (weights * entropy).sum() / weights.sum().clamp_min(1e-8) / most
