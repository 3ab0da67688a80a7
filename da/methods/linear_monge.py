"""Optimal transport between Gaussians as a mapping."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from da.methods._covariance_mapping import CovarianceMapping
from da.ops.linalg import matrix_power
from da.ops.matmul import matmul
from da.system.threads import map_in_threads


class LinearMonge(CovarianceMapping):
    """Give source features the target's covariance, by the matrix that moves them least."""

    paper = "Flamary et al. 2019, arXiv:1905.10155"
    family = "optimal transport"
    batchable = ("ridge",)

    @dataclass(frozen=True)
    class Hparams(CovarianceMapping.Hparams):
        """Settings of the paper's map, which has no ridge; the default is that of `coral_map`."""

    hp: Hparams

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d d"], None]:
        """Return C_s^-½ (C_s^½ C_t C_s^½)^½ C_s^-½ for the source, no matrix for the target."""
        root, whiten, c_t = map_in_threads(self.power, [(z_s, 0.5), (z_s, -0.5), (z_t, 1.0)])
        middle = matrix_power(matmul(matmul(root, c_t), root), 0.5)
        return matmul(matmul(whiten, middle), whiten), None
