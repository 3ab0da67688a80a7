"""CORAL as a closed-form mapping."""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from da.methods._covariance_mapping import CovarianceMapping
from da.ops.matmul import matmul
from da.system.threads import map_in_threads


class CORALMap(CovarianceMapping):
    """Whiten source features, then give them the covariance of the target."""

    paper = "Sun et al. 2016, arXiv:1511.05547"
    family = "mapping"
    batchable = ("ridge",)

    @dataclass(frozen=True)
    class Hparams(CovarianceMapping.Hparams):
        """Settings of the paper's algorithm 1, where `ridge` is 1.

        Differs from it: the ridge is a multiple of the mean variance of features in their domain,
        which is 1 for standardized ones.
        """

    hp: Hparams

    def maps(
        self, z_s: Float[Tensor, "n d"], z_t: Float[Tensor, "m d"]
    ) -> tuple[Float[Tensor, "d d"], None]:
        """Return whitening times re-coloring for the source, and no matrix for the target."""
        whiten, color = map_in_threads(self.power, [(z_s, -0.5), (z_t, 0.5)])
        return matmul(whiten, color), None
