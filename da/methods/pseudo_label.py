"""Pseudo-labels."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT, UNIT
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.functional import confident_cross_entropy


class PseudoLabel(Method):
    """Train target images on the classes predicted for them, with a weight that grows."""

    paper = "Lee 2013, ICML Workshop on Challenges in Representation Learning"
    family = "self-training"
    batchable = "trade_off", "threshold"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper, with shares of the training in place of epochs.

        Its epochs 100 and 600 are taken for shares of 0.1 and 0.6; their total is not printed.
        Differs from the paper: predictions are a softmax over classes, not a sigmoid a class.
        """

        trade_off: Annotated[float, LogUniform(0.1, 30), AMOUNT] = 3.0
        """Weight of the pseudo-labels at the end of the ramp, alpha_f in the paper; 0 for none."""
        ramp_start: Annotated[float, Uniform(0, 0.3), UNIT] = 0.1
        """Share of the training (0 to 1) up to which the weight is 0, T1 in the paper."""
        ramp_end: Annotated[float, Uniform(0.4, 1), UNIT] = 0.6
        """Share of the training from which on the weight is `trade_off`, T2 in the paper."""
        threshold: Annotated[float, Uniform(0, 0.99), UNIT] = 0.0
        """Lowest probability of a pseudo-label that counts; 0 for all, as in the paper."""

        def contradictions(self) -> dict[str, bool]:
            """Refuse a ramp that ends before it starts."""
            start, end = self.ramp_start, self.ramp_end
            return {f"ramp_start is at most ramp_end, {end}, not {start}": start > end}

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and that of target images with pseudo-labels."""
        f_s, f_t = self.features(batch)
        logits_t = self.head(f_t)
        loss = confident_cross_entropy(logits_t, logits_t, self.hp.threshold)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "pseudo": self.hp.trade_off * self.ramp(progress) * loss,
        }

    def ramp(self, progress: Scalar) -> Float[Tensor, ""]:
        """Return the share of the weight at `progress`: a straight line from 0 to 1."""
        length = max(self.hp.ramp_end - self.hp.ramp_start, 1e-6)
        return ((torch.as_tensor(progress) - self.hp.ramp_start) / length).clamp(0, 1)
