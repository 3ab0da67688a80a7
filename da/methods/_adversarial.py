"""What adversarial methods share: a discriminator, how strongly it is fooled, and its loss."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Family, Losses, Method, Scalar
from da.models.network import mlp
from da.ops.functional import grl_warmup


def domain_cross_entropy(logits: Float[Tensor, "b"], n: int) -> Float[Tensor, "b"]:
    """Of each image's logit of coming from the source, where the first `n` do."""
    is_source = torch.cat([logits.new_ones(n), logits.new_zeros(len(logits) - n)])
    return F.binary_cross_entropy_with_logits(logits, is_source, reduction="none")


class Discriminator(nn.Sequential):
    """Logits of coming from the source, for all source images and then all target images."""

    def __init__(self, *layers: nn.Module, separate: bool):
        super().__init__(*layers)
        self.separate = separate

    def forward(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b 1"]:
        """Both halves at once, or one domain after the other: batch norm sees the difference."""
        if self.separate and self.training:
            return torch.cat([nn.Sequential.forward(self, half) for half in f.chunk(2)])
        return nn.Sequential.forward(self, f)


class Adversarial(Method):
    """A discriminator learns to tell the domain, which features unlearn by its reversed gradient.

    A subclass makes `discriminator` by `build_discriminator`, and in `domain_losses` hands it the
    features of all source images and then of all target images.
    """

    family: ClassVar[Family] = "adversarial"
    batchable: ClassVar[tuple[str, ...] | None] = ("trade_off",)
    discriminator: nn.Module
    """Gives one logit of coming from the source for each row of its input."""

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the discriminator, on which papers and libraries differ: see recipes.py."""

        trade_off: Annotated[float, LogUniform(0.01, 10)] = 1.0
        """Strength of the reversed gradient at the end of the warm-up, lambda in the papers."""
        hidden: tuple[int, ...] = (1024, 1024)
        """Widths of the discriminator's hidden layers."""
        hidden_norm: bool = False
        """Batch norm in these layers, of both domains together or of each, as `bn` says."""
        hidden_dropout: Annotated[float, Uniform(0, 0.5)] = 0.0
        """Share of their output that is dropped in training."""
        hidden_leak: float = 0.0
        """Slope of their ReLU below 0."""
        steepness: Annotated[float, LogUniform(1, 100)] = 10.0
        """How fast the strength warms up: it is half its last value after 1.1 over this."""
        domain_loss: Literal["mean", "sum"] = "mean"
        """Mean over all images of both domains, or the sum of the domains' two means."""

    hp: Hparams
    domain_losses: Callable[[Tensor, Tensor, Tensor, Scalar], Losses]
    """Both losses, of source features, target features, source classes and progress."""

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and domain cross-entropy through reversed gradients."""
        return self.domain_losses(*self.features(batch), batch.source.y, progress)

    def build_discriminator(self, inputs: int) -> Discriminator:
        """The discriminator of rows of `inputs` numbers that the settings describe."""
        hp = self.hp
        norm, dropout, leak = hp.hidden_norm, hp.hidden_dropout, hp.hidden_leak
        layers = mlp(inputs, hp.hidden, 1, norm=norm, dropout=dropout, leak=leak)
        return Discriminator(*layers, separate=norm and self.network.bn == "separate")

    def strength(self, progress: Scalar) -> Scalar:
        """Of the reversed gradient, once `progress` of the training is done."""
        return self.hp.trade_off * grl_warmup(progress, self.hp.steepness)

    def domain_loss(
        self, logits: Float[Tensor, "b"], n: int, weights: Float[Tensor, "b"] | float = 1.0
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the domain, of which the first `n` images are the source's."""
        losses = domain_cross_entropy(logits, n) * weights
        if self.hp.domain_loss == "sum":
            return losses[:n].mean() + losses[n:].mean()
        return losses.mean()
