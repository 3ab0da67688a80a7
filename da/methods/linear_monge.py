"""Optimal transport between Gaussians as a mapping."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import covariance_power, matrix_power
from da.ops.matmul import matmul
from da.system.threads import map_in_threads


class LinearMonge(LinearMapping):
    """Give source features the target's covariance, by the matrix that moves them least."""

    paper = "Flamary et al. 2019, arXiv:1905.10155"
    family = "optimal transport"
    batchable = ("ridge",)

    @dataclass(frozen=True)
    class Hparams(LinearMapping.Hparams):
        """Settings of the paper's map, applied to features that are standardized in each domain."""

        ridge: Annotated[float, LogUniform(0.01, 100), AMOUNT] = 1.0
        """Value that is added to the diagonal of both covariances.
        The paper has none; the default is that of CORAL (`coral_map`).
        """

    hp: Hparams

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d d"], None]:
        """Return C_s^-½ (C_s^½ C_t C_s^½)^½ C_s^-½ for the source, no matrix for the target."""
        power = partial(covariance_power, ridge=self.hp.ridge)
        root, whiten, c_t = map_in_threads(power, [(z_s, 0.5), (z_s, -0.5), (z_t, 1.0)])
        middle = matrix_power(matmul(matmul(root, c_t), root), 0.5)
        return matmul(matmul(whiten, middle), whiten), None
