"""Subspace alignment."""

from dataclasses import dataclass
from typing import Annotated

from jaxtyping import Float
from torch import Tensor

from da.config.limits import COUNT
from da.config.ranges import Choice
from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import principal_directions
from da.system.threads import map_in_threads


class SubspaceAlignment(LinearMapping):
    """Turn the principal directions of the source into those of the target."""

    paper = "Fernando et al. 2013, ICCV"
    family = "mapping"

    @dataclass(frozen=True)
    class Hparams(LinearMapping.Hparams):
        """Settings of the paper's algorithm 1."""

        dimensions: Annotated[int, Choice(16, 32, 64, 128), COUNT] = 64
        """Number of principal directions of each domain that are kept, d in algorithm 1."""

    hp: Hparams

    def mapped_width(self) -> int:
        """Return the number of directions, but no more than the number of features."""
        return min(self.hp.dimensions, self.width)

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """Return projection and alignment for the source, projection for the target (alg. 1)."""
        p_s, p_t = map_in_threads(
            principal_directions, [(z, self.mapped_width()) for z in (z_s, z_t)]
        )
        return p_s @ (p_s.mT @ p_t), p_t
