"""Distillation of a finished run on unlabeled target images."""

from dataclasses import dataclass
from typing import Annotated

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Scalar
from da.ops.precision import upcast


class Distill(Method):
    """A student learns what a finished run says of target images, softened by a temperature."""

    paper = "Hinton et al. 2015, arXiv:1503.02531"
    family = "distillation"
    taught = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The paper finds a considerably lower weight best for labels than for the teacher.

        There both are of the same images; here labels are the source's.
        """

        teacher: str = ""
        """Id of a run whose weights were kept; by default that of `init`."""
        temperature: Annotated[float, LogUniform(0.5, 20)] = 2.0
        """What logits are divided by before the softmax, T in the paper."""
        trade_off: Annotated[float, LogUniform(0.01, 10)] = 0.5
        """Weight of the cross-entropy with source labels."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and how far student and teacher are apart on the target."""
        f_s, f_t = self.features(batch)
        taught = self.guide(batch.target.x)
        return {
            "task": self.hp.trade_off * self.task_loss(self.head(f_s), batch.source.y),
            "distill": softened_divergence(self.head(f_t), taught, self.hp.temperature),
        }


def softened_divergence(
    logits: Float[Tensor, "b k"], guide: Float[Tensor, "b k"], temperature: Scalar
) -> Float[Tensor, ""]:
    """T² times the Kullback-Leibler divergence of softened predictions from those of `guide`.

    The gradient is that of their cross-entropy, and T² makes its size independent of the
    temperature (Hinton et al. 2015, section 2). No gradient flows to `guide`.
    """
    log_p = (upcast(logits) / temperature).log_softmax(1)
    log_q = (upcast(guide.detach()) / temperature).log_softmax(1)
    return temperature**2 * F.kl_div(log_p, log_q, reduction="batchmean", log_target=True)
