"""Joint adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch

from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.kernels import gaussian_kernel, mmd


class JAN(Method):
    """Features and predictions whose joint distribution is the same in both domains."""

    paper = "Long et al. 2017, arXiv:1605.06636"
    family = "discrepancy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The authors' PyTorch code, which takes all pairs of a batch, where the paper takes a sum
        of linear time, and does not warm up the weight; without the adversary of JAN-A.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10)] = 1.0
        """Weight of the discrepancy, lambda in the paper."""
        prediction_width: Annotated[float, LogUniform(0.3, 10)] = 1.68
        """Width of the kernel of predictions; features have five, as in DAN."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and the discrepancy by the product of both layers' kernels."""
        f_s, f_t = self.features(batch)
        f = torch.cat([f_s, f_t])
        logits = self.head(f)
        k_p = gaussian_kernel(logits.softmax(1), (1.0,), self.hp.prediction_width)
        return {
            "task": self.task_loss(logits[: len(f_s)], batch.source.y),
            "jmmd": self.hp.trade_off * mmd(gaussian_kernel(f) * k_p, len(f_s)),
        }
