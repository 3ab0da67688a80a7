"""Optimal transport as a mapping, with entropic regularization."""

from dataclasses import dataclass
from typing import Annotated, Literal

from jaxtyping import Float
from torch import Tensor

from da.config.ranges import LogUniform
from da.methods._transport_mapping import TransportMapping
from da.ops.transport import normalize_cost, sinkhorn


class SinkhornMap(TransportMapping):
    """Move each source image to the mean of the target images that optimal transport gives it."""

    paper = "Courty et al. 2017, arXiv:1507.00504"
    family = "optimal transport"
    batchable = ("reg",)

    @dataclass(frozen=True)
    class Hparams(TransportMapping.Hparams):
        """The paper chooses `reg` anew for each task; its default is ours."""

        reg: Annotated[float, LogUniform(0.001, 1)] = 0.05
        """Weight of the entropy of the plan, lambda in the paper, in units of `norm`."""
        max_iterations: int = 1000
        """Iterations after which a plan is taken as it is."""
        norm: Literal["max", "median", "none"] = "max"
        """What squared distances are divided by."""

    hp: Hparams

    def plan(self, cost: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        """The plan with least cost and much entropy."""
        cost = normalize_cost(cost, self.hp.norm)
        return sinkhorn(cost, self.hp.reg, max_iterations=self.hp.max_iterations)
