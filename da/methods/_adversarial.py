"""Parts that adversarial methods share: a discriminator, its loss, and the reversal strength."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, POSITIVE, SHARE
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.models.network import mlp
from da.ops.functional import grl_warmup


def domain_cross_entropy(
    logits: Float[Tensor, "b"], n: int, smoothing: float = 0.0
) -> Float[Tensor, "b"]:
    """Compute each image's cross-entropy of the domain.

    Args:
        logits: Logits of coming from the source.
        n: Number of source images, which come first.
        smoothing: Share of each label that the other domain gets.
    """
    source = logits.new_full((n,), 1 - smoothing)
    is_source = torch.cat([source, logits.new_full((len(logits) - n,), smoothing)])
    return F.binary_cross_entropy_with_logits(logits, is_source, reduction="none")


class Discriminator(nn.Sequential):
    """Network that gives each image a logit of coming from the source.

    Its input is the features of all source images, then of as many target images.
    """

    def __init__(self, *layers: nn.Module, separate: bool):
        super().__init__(*layers)
        self.separate = separate

    def forward(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b 1"]:
        """Compute the logits of both domains, in one pass or, in training, in one pass for each.

        Batch norm makes the difference: it sees both domains together, or one at a time.
        """
        if self.separate and self.training:
            return torch.cat([nn.Sequential.forward(self, half) for half in f.chunk(2)])
        return nn.Sequential.forward(self, f)


class Adversarial(Method):
    """Base class of methods whose features unlearn the domain by a reversed gradient.

    A discriminator learns to tell the domains apart. Its gradient reaches the features with the
    opposite sign. A subclass sets `discriminator` to what `build_discriminator` returns. Its
    `domain_losses` gives the discriminator all source images, then all target images.
    """

    family: ClassVar[str] = "adversarial"
    batchable: ClassVar[tuple[str, ...] | None] = ("trade_off",)
    discriminator: nn.Module
    """Network that gives one logit of coming from the source for each row of its input."""

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the discriminator.

        Papers and libraries differ on them: see `da/runs/recipes.py`.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Final strength of the reversed gradient, lambda in the papers; 0 for no adaptation."""
        hidden: Annotated[tuple[int, ...], COUNT] = (1024, 1024)
        """Widths of the discriminator's hidden layers; empty for a linear discriminator."""
        hidden_norm: bool = False
        """Batch norm in the discriminator's hidden layers, joint or separate as `bn` says."""
        hidden_dropout: Annotated[float, Uniform(0, 0.5), SHARE] = 0.0
        """Share of the output of these hidden layers that is dropped in training; 0 for none."""
        hidden_leak: Annotated[float, SHARE] = 0.0
        """Slope below 0 of the discriminator's ReLUs; 0 for plain ReLUs."""
        steepness: Annotated[float, LogUniform(1, 100), POSITIVE] = 10.0
        """Speed at which this strength warms up, gamma in Ganin et al. 2016.
        Half of the strength is reached after 1.1 / steepness of the training.
        """
        domain_loss: Literal["mean", "sum"] = "mean"
        """Domain loss of a batch: the mean over all images, or the sum of both domains' means."""
        domain_smoothing: Annotated[float, Uniform(0, 0.5), SHARE] = 0.0
        """Share of each domain label that the other domain gets; 0 for none. It is 1 - gamma in
        environment label smoothing (Zhang et al. 2023).
        """

        def contradictions(self) -> dict[str, bool]:
            """Return whether settings of hidden layers are given where there are none."""
            layers = "hidden_norm", "hidden_dropout", "hidden_leak"
            return {
                f"{name} goes with hidden layers, for example hidden 1024": (
                    not self.hidden and bool(getattr(self, name))
                )
                for name in layers
            }

    hp: Hparams
    domain_losses: Callable[[Tensor, Tensor, Tensor, Scalar], Losses]
    """Function from source features, target features, source classes and progress to the losses."""

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the domain loss with a reversed gradient."""
        return self.domain_losses(*self.features(batch), batch.source.y, progress)

    def build_discriminator(self, inputs: int) -> Discriminator:
        """Build the discriminator that the settings describe, for rows of `inputs` numbers."""
        hp = self.hp
        norm, dropout, leak = hp.hidden_norm, hp.hidden_dropout, hp.hidden_leak
        layers = mlp(inputs, hp.hidden, 1, norm=norm, dropout=dropout, leak=leak)
        return Discriminator(*layers, separate=norm and self.network.bn == "separate")

    def strength(self, progress: Scalar) -> Scalar:
        """Return the strength of the reversed gradient at `progress` (0 to 1)."""
        return self.hp.trade_off * grl_warmup(progress, self.hp.steepness)

    def domain_loss(
        self, logits: Float[Tensor, "b"], n: int, weights: Float[Tensor, "b"] | float = 1.0
    ) -> Float[Tensor, ""]:
        """Reduce the cross-entropy of the domain to one number, as the settings say.

        Args:
            logits: Logits of coming from the source: all source images, then all target images.
            n: Number of source images.
            weights: Weight of each image.
        """
        losses = domain_cross_entropy(logits, n, self.hp.domain_smoothing) * weights
        if self.hp.domain_loss == "sum":
            return losses[:n].mean() + losses[n:].mean()
        return losses.mean()
