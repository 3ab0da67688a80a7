"""Adaptive feature norm."""

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float, Shaped
from torch import Tensor

from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar


class AFN(Method):
    """Features of both domains far from zero, where they are said to transfer better."""

    paper = "Xu et al. 2019, arXiv:1811.07456"
    family = "norm"
    batchable = "trade_off", "step", "radius"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """SAFN, as the authors' code runs it; the paper's HAFN is `hard`. In that code the neck is
        1000 wide: `network.neck` is a setting of the run.
        """

        trade_off: Annotated[float, LogUniform(0.001, 1)] = 0.05
        """Weight of each domain's loss, lambda in the paper."""
        step: Annotated[float, LogUniform(0.1, 10)] = 1.0
        """How much farther from zero features shall be than they are now, delta r in the paper."""
        hard: bool = False
        """Pull the mean norm to `radius` instead."""
        radius: float = 25.0
        """Mean norm of features where `hard`, R in the paper."""

    hp: Hparams

    def embed(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b d"]:
        """The neck's output; dropout preserves its squared norm on average, not its sum."""
        f = super().embed(x)
        return f * (1 - self.network.dropout) ** 0.5 if self.training else f

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and how far norms are from where they shall be.

        Stepwise, the value of the latter never changes; its gradient, which makes norms grow, does.
        """
        f_s, f_t = self.features(batch)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "norm": self.hp.trade_off * (self.shortfall(f_s) + self.shortfall(f_t)),
        }

    def shortfall(self, f: Float[Tensor, "b d"]) -> Float[Tensor, ""]:
        """Squared difference of the norms of features from what they shall be."""
        norm = f.float().norm(dim=1)
        if self.hp.hard:
            return (norm.mean() - self.hp.radius).square()
        return (norm - (norm.detach() + self.hp.step)).square().mean()
