"""Geodesic flow kernel."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.limits import COUNT
from da.config.ranges import Choice
from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import fix_signs, matrix_power, principal_directions
from da.system.threads import map_in_threads, one_thread


class GFK(LinearMapping):
    """View features from all subspaces on the shortest path from the source's to the target's."""

    paper = "Gong et al. 2012, CVPR"
    family = "mapping"

    @dataclass(frozen=True)
    class Hparams(LinearMapping.Hparams):
        """Settings of the authors' demonstration.

        Differs from it: images are classified by a linear head, not by nearest neighbors.
        """

        dimensions: Annotated[int, Choice(5, 10, 20, 40), COUNT] = 20
        """Dimensions of each subspace; 10 or 20 in the paper, by the pair of domains."""

    hp: Hparams

    def mapped_width(self) -> int:
        """Return twice the dimensions of a subspace, but no more than the number of features."""
        return min(2 * self.hp.dimensions, self.width)

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """Return a root of the kernel, the same for both domains."""
        count = min(self.hp.dimensions, self.width)
        root = geodesic_flow_root(
            *map_in_threads(principal_directions, [(z_s, count), (z_t, count)])
        )
        if 2 * count > self.width:  # subspaces that meet share principal vectors: symmetric root
            root = matrix_power(root @ root.mT, 0.5)
        return root, root


def geodesic_flow_root(
    p_s: Float[Tensor, "d e"], p_t: Float[Tensor, "d e"]
) -> Float[Tensor, "d g"]:
    """Compute R with R R' = G, the mean of P P' over the subspaces P between `p_s` and `p_t`.

    This is the closed form of the paper, by the eigenvectors of G. Two principal vectors are an
    angle theta apart, and the path between them turns by theta in their plane. So the eigenvectors
    of G in that plane are the middle of the path and the direction orthogonal to it. Their
    eigenvalues are (1 ± sin(theta) / theta) / 2.
    """
    with one_thread():
        turn_s, _, turn_t = torch.linalg.svd(p_s.mT @ p_t)
    a, b = p_s @ turn_s, p_t @ turn_t.mT
    middle, across = a + b, b - a
    cos, sin = middle.norm(dim=0) / 2, across.norm(dim=0) / 2  # of theta / 2
    theta = 2 * torch.atan2(sin, cos)
    ratio = torch.sinc(theta / torch.pi)  # sin(theta) / theta
    tiny = torch.finfo(theta.dtype).tiny
    root = torch.cat(
        [
            middle * ((1 + ratio).clamp_min(0) / 2).sqrt() / (2 * cos).clamp_min(tiny),
            across * ((1 - ratio).clamp_min(0) / 2).sqrt() / (2 * sin).clamp_min(tiny),
        ],
        1,
    )
    return fix_signs(root)
