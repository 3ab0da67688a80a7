"""Pseudo-labels."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import confident_cross_entropy


class PseudoLabel(Method):
    """Target images learn the class that is predicted for them, more and more."""

    paper = "Lee 2013, ICML Workshop on Challenges in Representation Learning"
    family = "self-training"
    batchable = "trade_off", "threshold"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The paper has a sigmoid a class, we a softmax; it counts epochs, we shares of training.

        Its 100 and 600 epochs, of a number that is not printed, are taken for 0.1 and 0.6.
        """

        trade_off: Annotated[float, LogUniform(0.1, 30)] = 3.0
        """Weight of the pseudo-labels at the end of the ramp, alpha_f in the paper."""
        ramp_start: Annotated[float, Uniform(0, 0.3)] = 0.1
        """Progress up to which the weight is 0, T1 in the paper."""
        ramp_end: Annotated[float, Uniform(0.4, 1)] = 0.6
        """Progress from which on the weight is `trade_off`, T2 in the paper."""
        threshold: Annotated[float, Uniform(0, 0.99)] = 0.0
        """Least probability of a pseudo-label that counts; the paper takes all."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Cross-entropy of source classes, and of pseudo-labels."""
        f_s, f_t = self.features(batch)
        logits_t = self.head(f_t)
        loss = confident_cross_entropy(logits_t, logits_t, self.hp.threshold)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "pseudo": self.hp.trade_off * self.ramp(progress) * loss,
        }

    def ramp(self, progress: Scalar) -> Float[Tensor, ""]:
        """Share of the weight, from 0 to 1 in a straight line."""
        length = max(self.hp.ramp_end - self.hp.ramp_start, 1e-6)
        return ((torch.as_tensor(progress) - self.hp.ramp_start) / length).clamp(0, 1)
