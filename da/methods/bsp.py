"""Batch spectral penalization."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT, COUNT
from da.config.ranges import IntRange, LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.dann import DANN
from da.ops.linalg import zero_non_finite
from da.ops.precision import upcast
from da.system.threads import one_thread


class BSP(DANN):
    """Train DANN and penalize the directions of its features that outweigh the others."""

    paper = "Chen et al. 2019, ICML"
    family = "norm"
    batchable = "trade_off", "penalty"

    @dataclass(frozen=True)
    class Hparams(DANN.Hparams):
        """Settings of the paper's BSP+DANN.

        As in the paper, the penalty is a sum over the images of a batch. There, a batch has 36
        images of each domain.
        """

        penalty: Annotated[float, LogUniform(1e-6, 1e-2), AMOUNT] = 1e-4
        """Weight of the largest squared singular values, beta in the paper; 0 for DANN."""
        directions: Annotated[int, IntRange(1, 4), COUNT] = 1
        """Number of singular values that are penalized in each domain, k in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of DANN, and the spectral penalty of both domains' features."""
        f_s, f_t = self.features(batch)
        spectrum = spectral_penalty(f_s, self.hp.directions)
        spectrum = spectrum + spectral_penalty(f_t, self.hp.directions)
        losses = self.domain_losses(f_s, f_t, batch.source.y, progress)
        return {**losses, "spectrum": self.hp.penalty * spectrum}


def spectral_penalty(f: Float[Tensor, "b d"], count: int) -> Float[Tensor, ""]:
    """Add up the `count` largest squared singular values of features (Chen et al. 2019).

    They are computed as eigenvalues of the matrix of inner products, which is faster.
    """
    f = upcast(f)
    with torch.autocast(f.device.type, enabled=False), one_thread():
        products = f @ f.mT if len(f) < f.shape[1] else f.mT @ f
        products, zero = zero_non_finite(products)
        return torch.linalg.eigvalsh(products)[-count:].sum() + zero
