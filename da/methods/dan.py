"""Deep adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.kernels import gaussian_kernel, linear_mmd, mmd


class DAN(Method):
    """Align the mean features of both domains in the spaces of five Gaussian kernels."""

    paper = "Long et al. 2015, arXiv:1502.02791"
    family = "discrepancy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' later PyTorch code.

        Differs from the paper, as that code does: the estimate uses all pairs of a batch, unless
        `linear`. The kernels have equal weights, not learned ones. Only the neck is aligned, not
        three layers of AlexNet.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the discrepancy, lambda in the paper; 0 for no adaptation."""
        linear: bool = False
        """Whether only neighbors in a batch are pairs, as in the paper and in
        Transfer-Learning-Library.
        """
        self_pairs: bool = False
        """Whether the width of the kernels is a mean that counts each image's distance of 0 to
        itself, as in Transfer-Learning-Library.
        """

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the multi-kernel discrepancy of the domains."""
        f_s, f_t = self.features(batch)
        k = gaussian_kernel(torch.cat([f_s, f_t]), self_pairs=self.hp.self_pairs)
        distance = linear_mmd if self.hp.linear else mmd
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "mmd": self.hp.trade_off * distance(k, len(f_s)),
        }
