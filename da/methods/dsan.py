"""Deep subdomain adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import grl_warmup
from da.ops.kernels import gaussian_kernel


class DSAN(Method):
    """Align each class's mean features across domains, in the spaces of five Gaussian kernels."""

    paper = "Zhu et al. 2020, arXiv:2106.09388"
    family = "discrepancy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        Differs from the paper, as that code does: the paper takes the mean over all classes. Here,
        only classes count that have a source image in the batch and are the most likely class of
        some target image in it.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.5
        """Weight of the discrepancy at the end of DANN's warm-up; 0 for no adaptation."""
        steepness: Annotated[float, LogUniform(1, 100), POSITIVE] = 10.0
        """Speed of this warm-up, as in DANN."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the discrepancy within classes."""
        f_s, f_t = self.features(batch)
        p_t = self.head(f_t).detach().softmax(1)
        distance = local_mmd(gaussian_kernel(torch.cat([f_s, f_t])), batch.source.y, p_t)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "lmmd": self.hp.trade_off * grl_warmup(progress, self.hp.steepness) * distance,
        }


def local_mmd(
    k: Float[Tensor, "b b"], y: Int[Tensor, "n"], p_t: Float[Tensor, "m k"]
) -> Float[Tensor, ""]:
    """Average over classes the squared distance of a class's two means in the space of a kernel.

    Classes that are not seen in both domains do not count (Zhu et al. 2020).

    Args:
        k: Kernel of all pairs of images: all source images, then all target images.
        y: Classes of the source images.
        p_t: Class probabilities of the target images, by which they belong to each class.
    """
    p_t = p_t.to(k.dtype)
    classes = torch.arange(p_t.shape[1], device=y.device)
    p_s = (y[:, None] == classes).to(p_t)
    shared = p_s.any(0) & (p_t.argmax(1)[:, None] == classes).any(0)
    w_s, w_t = (p / p.sum(0).clamp_min(torch.finfo(p.dtype).tiny) for p in (p_s, p_t))
    w = torch.cat([w_s, -w_t]) * shared
    with torch.autocast(k.device.type, enabled=False):
        return (w * (k @ w)).sum() / shared.sum().clamp_min(1)
