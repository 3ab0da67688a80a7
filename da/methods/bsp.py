"""Batch spectral penalization."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.ranges import IntRange, LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.dann import DANN
from da.ops.linalg import zero_non_finite
from da.ops.precision import upcast
from da.system.threads import one_thread


class BSP(DANN):
    """DANN whose features have no direction that outweighs the others."""

    paper = "Chen et al. 2019, ICML"
    family = "norm"
    batchable = "trade_off", "penalty"

    @dataclass(frozen=True)
    class Hparams(DANN.Hparams):
        """The paper's BSP+DANN. As there, the penalty is a sum over the images of a batch, which
        were 36 of each domain.
        """

        penalty: Annotated[float, LogUniform(1e-6, 1e-2)] = 1e-4
        """Weight of the largest squared singular values, beta in the paper."""
        directions: Annotated[int, IntRange(1, 4)] = 1
        """How many of them are penalized in each domain, k in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """The losses of DANN, and the spectral penalty of both domains' features."""
        f_s, f_t = self.features(batch)
        spectrum = spectral_penalty(f_s, self.hp.directions)
        spectrum = spectrum + spectral_penalty(f_t, self.hp.directions)
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        return {**losses, "spectrum": self.hp.penalty * spectrum}


def spectral_penalty(f: Float[Tensor, "b d"], count: int) -> Float[Tensor, ""]:
    """Sum of the `count` largest squared singular values of features (Chen et al. 2019).

    These are the eigenvalues of their inner products, which are found faster.
    """
    f = upcast(f)
    with torch.autocast(f.device.type, enabled=False), one_thread():
        products = f @ f.mT if len(f) < f.shape[1] else f.mT @ f
        products, zero = zero_non_finite(products)
        return torch.linalg.eigvalsh(products)[-count:].sum() + zero
