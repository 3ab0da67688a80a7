"""Exact optimal transport as a mapping."""

from jaxtyping import Float
from torch import Tensor

from da.methods._transport_mapping import TransportMapping
from da.ops.transport import exact_plan


class OTMap(TransportMapping):
    """Move each source image to the mean of its target images in the cheapest transport plan."""

    paper = "Courty et al. 2017, arXiv:1507.00504"
    family = "optimal transport"
    needs = "ot"

    def plan(self, cost: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        """Return the plan with the least cost."""
        return exact_plan(cost)
