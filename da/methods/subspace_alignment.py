"""Subspace alignment."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from da.functional import covariance, one_thread
from da.methods.mapping import LinearMapping


class SubspaceAlignment(LinearMapping):
    """Turn the source's principal directions into the target's."""

    paper = "Fernando et al. 2013, ICCV"

    @dataclass(frozen=True)
    class Hparams(LinearMapping.Hparams):
        """Algorithm 1."""

        dimensions: int = 64
        """How many principal directions of each domain are kept, d in algorithm 1."""

    hp: Hparams

    def mapped_width(self) -> int:
        """One feature a direction, no more than there are features."""
        return min(self.hp.dimensions, self.width)

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d e"], Float[Tensor, "d e"]]:
        """Source projected and aligned, target projected (algorithm 1)."""
        p_s, p_t = (self._principal(z) for z in (z_s, z_t))
        return p_s @ (p_s.mT @ p_t), p_t

    def _principal(self, z: Float[Tensor, "b d"]) -> Float[Tensor, "d e"]:
        """The directions of largest variance; ValueError for too few images."""
        e = self.mapped_width()
        if len(z) <= e:
            raise ValueError(f"dimensions {e} needs more than {len(z)} images, known: below that")
        with one_thread():
            if 8 * e > min(z.shape):
                return torch.linalg.svd(z, full_matrices=False).Vh[:e].mT
            # Of the few largest of many the covariance tells as exactly, in a quarter of the time.
            return torch.linalg.eigh(covariance(z)).eigenvectors[:, -e:].flip(1)
