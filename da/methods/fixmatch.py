"""FixMatch, with the source as its labeled images."""

from dataclasses import dataclass
from typing import Annotated

from torch import nn

from da.config.limits import AMOUNT, SHARE, UNIT
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.functional import confident_cross_entropy
from da.ops.random import Dropout


class FixMatch(Method):
    """Train strong views of target images on the classes that are certain in the weak views."""

    paper = "Sohn et al. 2020, arXiv:2001.07685"
    family = "self-training"
    batchable = "trade_off", "threshold"
    takes_strong = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper.

        Differs from the paper: a batch has as many target images as source images, and predictions
        use the current weights, not their average. The strong view in the paper is of pixels. Where
        there are no pixels, as for cached features, some of the image's features are dropped.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the target images, lambda_u in the paper; 0 for no adaptation."""
        threshold: Annotated[float, Uniform(0.5, 0.99), UNIT] = 0.95
        """Lowest probability at which a predicted class is learned, tau in the paper."""
        feature_dropout: Annotated[float, Uniform(0.1, 0.9), SHARE] = 0.5
        """Share of features dropped in a strong view of features; ours. Unused for pixels."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.drop = Dropout(hp.feature_dropout)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and that of strong views with weak views' classes."""
        f_s, f_weak = self.features(batch)
        x, strong = batch.target.x, batch.target.strong
        f_strong = self.embed(self.drop(x) if strong is None else strong)
        loss = confident_cross_entropy(self.head(f_strong), self.head(f_weak), self.hp.threshold)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "strong": self.hp.trade_off * loss,
        }
