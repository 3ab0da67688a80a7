"""CORAL as a closed-form mapping."""

from dataclasses import dataclass
from functools import partial
from typing import Annotated

from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import covariance_power
from da.ops.matmul import matmul
from da.system.threads import map_in_threads


class CORALMap(LinearMapping):
    """Whiten source features, then give them the covariance of the target."""

    paper = "Sun et al. 2016, arXiv:1511.05547"
    family = "mapping"
    batchable = ("ridge",)

    @dataclass(frozen=True)
    class Hparams(LinearMapping.Hparams):
        """Settings of the paper's algorithm 1."""

        ridge: Annotated[float, LogUniform(0.01, 100), AMOUNT] = 1.0
        """Value that is added to the diagonal of both covariances, 1 in algorithm 1."""

    hp: Hparams

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d d"], None]:
        """Return whitening times re-coloring for the source, and no matrix for the target."""
        power = partial(covariance_power, ridge=self.hp.ridge)
        whiten, color = map_in_threads(power, [(z_s, -0.5), (z_t, 0.5)])
        return matmul(whiten, color), None
