"""Joint adaptation network."""

from dataclasses import dataclass
from typing import Annotated

import torch

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.kernels import gaussian_kernel, mmd


class JAN(Method):
    """Align the joint distribution of features and predictions across domains."""

    paper = "Long et al. 2017, arXiv:1605.06636"
    family = "discrepancy"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' PyTorch code, without the adversary of JAN-A.

        Differs from the paper, as that code does: the estimate uses all pairs of a batch, not a sum
        of linear time, and the weight is not warmed up.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the discrepancy, lambda in the paper; 0 for no adaptation."""
        prediction_width: Annotated[float, LogUniform(0.3, 10), POSITIVE] = 1.68
        """Width of the single kernel of predictions; features have five kernels, as in DAN."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the discrepancy by the product of both kernels."""
        f_s, f_t = self.features(batch)
        f = torch.cat([f_s, f_t])
        logits = self.head(f)
        k_p = gaussian_kernel(logits.softmax(1), (1.0,), self.hp.prediction_width)
        return {
            "task": self.task_loss(logits[: len(f_s)], batch.source.y),
            "jmmd": self.hp.trade_off * mmd(gaussian_kernel(f) * k_p, len(f_s)),
        }
