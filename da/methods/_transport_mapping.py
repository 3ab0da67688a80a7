"""Base class of mappings by an optimal-transport plan."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.methods._standardized_mapping import StandardizedMapping
from da.methods.base import Method, Network
from da.ops.linalg import squared_distances
from da.ops.transport import barycenters


class TransportMapping(StandardizedMapping):
    """Base class of mappings that move source images to the target images a plan sends them to.

    Each source image moves to the mean of these target images. A subclass computes the plan.
    """

    anchors: Tensor
    shifts: Tensor
    mean: Tensor
    spread: Tensor

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("anchors", torch.zeros(0, self.width))
        self.register_buffer("shifts", torch.zeros(0, self.width))
        self.register_buffer("mean", torch.zeros(self.width))
        self.register_buffer("spread", torch.ones(self.width))

    def plan(self, cost: Float[Tensor, "n m"]) -> Float[Tensor, "n m"]:
        """Compute how much of each source image goes to each target image. May change `cost`."""
        raise NotImplementedError

    def find(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> None:
        """Store how far the plan for squared distances moves each source image."""
        plan = self.plan(squared_distances(f_s, f_t))
        self.anchors, self.shifts = f_s, barycenters(plan, f_t) - f_s
        self.mean, self.spread = f_t.mean(0), self.scale(f_t)

    def map_source(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """Move each image as far as its nearest training image moves (Ferradans et al. 2014)."""
        parts = x.to(self.anchors).split(4096)  # all distances at once may be too many
        nearest = [squared_distances(part, self.anchors).argmin(-1) for part in parts]
        return self.map_target(x.to(self.anchors) + self.shifts[torch.cat(nearest)])

    def map_target(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
        """Leave target images in place, but center them by the target's mean, and scale them.

        So are source images, once they are moved.
        """
        return (x.to(self.anchors) - self.mean) / self.spread
