"""Adaptive feature norm."""

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float, Shaped
from torch import Tensor

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import prediction_entropy


class AFN(Method):
    """Raise the norms of features in both domains; large norms are said to transfer better."""

    paper = "Xu et al. 2019, arXiv:1811.07456"
    family = "norm"
    batchable = "trade_off", "step", "radius"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of SAFN as in the authors' code; `hard` gives the paper's HAFN.

        In that code the neck is 1000 wide. The width is a setting of the run, `network.neck`.
        """

        trade_off: Annotated[float, LogUniform(0.001, 1), AMOUNT] = 0.05
        """Weight of the norm loss of each domain, lambda in the paper; 0 for no adaptation."""
        step: Annotated[float, LogUniform(0.1, 10), AMOUNT] = 1.0
        """Growth of each norm that a step aims at, delta r in the paper; unused with `hard`."""
        hard: bool = False
        """Whether the mean norm is pulled to `radius` instead (HAFN)."""
        radius: Annotated[float, POSITIVE] = 25.0
        """Mean norm of features that `hard` aims at, R in the paper."""
        entropy_trade_off: Annotated[float, LogUniform(0.01, 1), AMOUNT] = 0.0
        """Weight of the entropy of target predictions (+ENT), 0.1 in TLlib; 0 for none."""

    hp: Hparams

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """Compute the neck's output, scaled so that dropout preserves its squared norm on average.

        Dropout on its own preserves the sum of the output on average.
        """
        f = super().embed(x)
        return f * (1 - self.network.dropout) ** 0.5 if self.training else f

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and how far norms are from their aim.

        Unless `hard`, the value of the norm loss never changes. Its gradient does change, and makes
        norms grow.
        """
        f_s, f_t = self.features(batch)
        losses = {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "norm": self.hp.trade_off * (self.shortfall(f_s) + self.shortfall(f_t)),
        }
        if self.hp.entropy_trade_off:
            entropy = prediction_entropy(self.head(f_t)).mean()
            losses["entropy"] = self.hp.entropy_trade_off * entropy
        return losses

    def shortfall(self, f: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
        """Compute the squared difference between the norms of features and their aim."""
        norm = f.float().norm(dim=1)
        if self.hp.hard:
            return (norm.mean() - self.hp.radius).square()
        return (norm - (norm.detach() + self.hp.step)).square().mean()
