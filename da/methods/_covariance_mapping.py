"""Base class of mappings that give source features the covariance of the target."""

from dataclasses import dataclass
from typing import Annotated, Literal

from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods._linear_mapping import LinearMapping
from da.ops.linalg import covariance_power
from da.ops.shrinkage import ledoit_wolf


class CovarianceMapping(LinearMapping):
    """Base class of mappings that give source features the covariance of the target."""

    @dataclass(frozen=True, kw_only=True)
    class Hparams(LinearMapping.Hparams):
        """Settings of the covariances."""

        shrinkage: Literal["ridge", "ledoit_wolf"] = "ridge"
        """How covariances are kept away from 0, where images are few.
        ridge: `ridge` is added to their diagonals.
        ledoit_wolf: each is mixed with a multiple of the identity, by the share that Ledoit and
        Wolf (2004) estimate to be best.
        """
        ridge: Annotated[float, LogUniform(0.01, 100), AMOUNT] = 1.0
        """Multiple of the mean variance of features that is added to the diagonal of a covariance.
        `ridge` 1 is what scikit-learn's `shrunk_covariance` calls a shrinkage of 0.5.
        """

        def contradictions(self) -> dict[str, bool]:
            """Refuse a ridge that is not used."""
            return super().contradictions() | {
                "shrinkage ledoit_wolf uses no ridge, known: ridge 1": (
                    self.shrinkage == "ledoit_wolf" and self.ridge != 1
                )
            }

    hp: Hparams

    def power(self, z: Float[Tensor, "b d"], exponent: float) -> Float[Tensor, "d d"]:
        """Return a power of the covariance of centered features, shrunk as the settings say."""
        size = float(z.square().sum() / (max(len(z) - 1, 1) * z.shape[1]))
        if self.hp.shrinkage == "ridge":
            return covariance_power(z, exponent, ridge=self.hp.ridge * size)
        share = float(ledoit_wolf(z))
        return covariance_power(z * (1 - share) ** 0.5, exponent, ridge=share * size)
