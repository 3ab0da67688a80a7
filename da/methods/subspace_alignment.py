"""Subspace alignment."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from da.methods.mapping import Mapping


class SubspaceAlignment(Mapping):
    """Turn the source's principal directions into the target's."""

    paper = "Fernando et al. 2013, ICCV"

    @dataclass(frozen=True)
    class Hparams(Mapping.Hparams):
        """Algorithm 1."""

        dimensions: int = 64
        """How many principal directions of each domain are kept, d in algorithm 1."""

    hp: Hparams

    def mapped_width(self) -> int:
        """One feature a direction, no more than there are features."""
        return min(self.hp.dimensions, self.width)

    def maps(
        self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """Source projected and aligned, target projected (algorithm 1)."""
        p_s, p_t = (self._principal(f) for f in (f_s, f_t))
        return p_s @ (p_s.mT @ p_t), p_t

    def _principal(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "d e"]:
        """The directions of largest variance; ValueError for too few images."""
        e = self.mapped_width()
        if len(f) <= e:
            raise ValueError(f"dimensions {e} needs more than {len(f)} images, known: below that")
        return torch.linalg.svd(f, full_matrices=False).Vh[:e].mT
