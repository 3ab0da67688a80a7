"""Distillation of a finished run on unlabeled target images."""

from dataclasses import dataclass
from typing import Annotated

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.precision import upcast


class Distill(Method):
    """Train a student on a finished run's softened predictions of target images."""

    paper = "Hinton et al. 2015, arXiv:1503.02531"
    family = "distillation"
    taught = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings that follow the paper: labels weigh less than the teacher.

        The paper finds a considerably lower weight best for labels. There, labels and teacher are
        of the same images; here, labels are those of the source.
        """

        teacher: str = ""
        """Id of a run with stored weights, which is the teacher; empty for the run in `init`."""
        temperature: Annotated[float, LogUniform(0.5, 20), POSITIVE] = 2.0
        """Divisor of the logits before the softmax, T in the paper."""
        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.5
        """Weight of the cross-entropy with source labels; 0 to learn from the teacher alone."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the divergence from the teacher on the target."""
        f_s, f_t = self.features(batch)
        taught = self.guide(batch.target.x)
        return {
            "task": self.hp.trade_off * self.task_loss(self.head(f_s), batch.source.y),
            "distill": softened_divergence(self.head(f_t), taught, self.hp.temperature),
        }


def softened_divergence(
    logits: Float[Tensor, "b k"], guide: Float[Tensor, "b k"], temperature: Scalar
) -> Float[Tensor, ""]:
    """Compute T² times the Kullback-Leibler divergence of softened predictions from the teacher's.

    It has the same gradient as their cross-entropy. T² makes the size of the gradient independent
    of the temperature (Hinton et al. 2015, section 2). No gradient flows to `guide`.

    Args:
        logits: Class logits of the student.
        guide: Class logits of the teacher.
        temperature: Divisor T of both.
    """
    log_p = (upcast(logits) / temperature).log_softmax(1)
    log_q = (upcast(guide.detach()) / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
