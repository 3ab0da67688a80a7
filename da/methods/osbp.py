"""Open-set domain adaptation by backpropagation."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, UNIT
from da.config.ranges import LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.models.network import build_head
from da.ops.functional import reverse_gradient
from da.ops.precision import upcast


class OSBP(Method):
    """Give target images an even chance of being unknown, from which their features flee.

    The head has one more class, unknown. It learns that chance, and by a reversed gradient the
    features make it larger or smaller.
    """

    paper = "Saito et al. 2018, arXiv:1804.10427"
    family = "open-set"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code."""

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Strength of the reversed gradient; 0 for no adaptation."""
        chance: Annotated[float, Uniform(0.1, 0.9), UNIT] = 0.5
        """Probability of being unknown that the head learns, t in the paper."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.unknown = build_head(network, self.width, 1)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy with one more class, and the loss of the chance."""
        f_s, f_t = self.features(batch)
        z_t = self.extend(reverse_gradient(f_t, self.hp.trade_off))
        return {
            "task": self.task_loss(self.extend(f_s), batch.source.y),
            "unknown": unknown_loss(z_t, self.hp.chance),
        }

    def extend(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b c"]:
        """Compute the logits of all classes, the last of which is unknown."""
        return torch.cat([self.head(f), self.unknown(f)], 1)

    def score_unknown(
        self, f: Float[Tensor, "b d"], logits: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b"]:
        """Compare the unknown class with the likeliest other: above 0.5 it is likelier."""
        return (self.unknown(f).squeeze(1) - logits.amax(1)).sigmoid()


def unknown_loss(logits: Float[Tensor, "b c"], chance: float) -> Float[Tensor, ""]:
    """Return the cross-entropy of the last class with a chance (Saito et al. 2018)."""
    z = upcast(logits)
    known = z[:, :-1].logsumexp(1) - z.logsumexp(1)
    unknown = z.log_softmax(1)[:, -1]
    return -(chance * unknown + (1 - chance) * known).mean()
