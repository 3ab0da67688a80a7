"""Deep adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch

from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.kernels import gaussian_kernel, mmd


class DAN(Method):
    """Features of both domains with the same mean in the spaces of five Gaussian kernels."""

    paper = "Long et al. 2015, arXiv:1502.02791"
    family = "discrepancy"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The authors' later PyTorch code: it takes all pairs of a batch, where the paper takes a
        sum of linear time, weighs the kernels equally, where the paper learns their weights, and
        aligns the neck alone, where the paper aligns three layers of AlexNet.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10)] = 1.0
        """Weight of the discrepancy, lambda in the paper."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and the multi-kernel discrepancy of the domains."""
        f_s, f_t = self.features(batch)
        k = gaussian_kernel(torch.cat([f_s, f_t]))
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "mmd": self.hp.trade_off * mmd(k, len(f_s)),
        }
