"""Optimal transport with entropic regularization as a mapping."""

from dataclasses import dataclass
from typing import Annotated, Literal

from jaxtyping import Float
from torch import Tensor

from da.config.limits import COUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods._transport_mapping import TransportMapping
from da.ops.transport import normalize_cost, sinkhorn


class SinkhornMap(TransportMapping):
    """Move each source image to the mean of its target images in an entropic transport plan."""

    paper = "Courty et al. 2017, arXiv:1507.00504"
    family = "optimal transport"
    batchable = ("reg",)

    @dataclass(frozen=True)
    class Hparams(TransportMapping.Hparams):
        """Settings of the plan; the paper chooses `reg` for each task, and its default is ours."""

        reg: Annotated[float, LogUniform(0.001, 1), POSITIVE] = 0.05
        """Weight of the plan's entropy against distances divided by `norm`; lambda in the paper."""
        max_iterations: Annotated[int, COUNT] = 1000
        """Most Sinkhorn iterations; the plan is then used as it is."""
        norm: Literal["max", "median", "none"] = "max"
        """Divisor of squared distances: their maximum, their median, or none."""

    hp: Hparams

    def plan(self, cost: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        """Return the plan with the least cost minus `reg` times its entropy."""
        cost = normalize_cost(cost, self.hp.norm)
        return sinkhorn(cost, self.hp.reg, max_iterations=self.hp.max_iterations)
