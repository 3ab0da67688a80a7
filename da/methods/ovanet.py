"""One-vs-all network."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.precision import upcast


class OVANet(Method):
    """Learn for each class whether an image is of it, against the most similar other class.

    Target images become certain for every class, either way.
    """

    paper = "Saito & Saenko 2021, arXiv:2104.03344"
    family = "universal"
    batchable = ("trade_off",)

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        Differs from that code: weights of the heads have length 1 by their formula, instead of a
        division after each step; source images are not drawn evenly by class.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 0.1
        """Weight of the entropy of target images over all two-way heads; 0 for no adaptation."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.one_vs_all = nn.Linear(self.width, 2 * classes, bias=False)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, that of the two-way heads, and the target's entropy."""
        f_s, f_t = self.features(batch)
        y = batch.source.y
        entropy = binary_entropy(self.margins(f_t)).mean()
        return {
            "task": self.task_loss(self.head(f_s), y),
            "task_one_vs_all": one_vs_all_loss(self.margins(f_s), y),
            "entropy": self.hp.trade_off * entropy,
        }

    def margins(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Compute the logit of each class that an image is of it, and not of another."""
        yes, no = F.normalize(self.one_vs_all.weight, dim=1).chunk(2)
        return upcast(F.linear(f, yes - no))

    def score_unknown(
        self, f: Float[Tensor, "b d"], logits: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b"]:
        """Return the probability that an image is not of the class that it looks like most."""
        return (-self.margins(f)).sigmoid().gather(1, logits.argmax(1, keepdim=True)).squeeze(1)


def one_vs_all_loss(margins: Float[Tensor, "n k"], y: Int[Tensor, "n"]) -> Float[Tensor, ""]:
    """Return the loss of the right class and of the hardest wrong one (Saito & Saenko 2021).

    Args:
        margins: Logits that an image is of a class.
        y: Classes.
    """
    right = F.softplus(-margins.gather(1, y[:, None])).mean()
    wrong = margins.masked_fill(F.one_hot(y, margins.shape[1]).bool(), -torch.inf)
    return (right + F.softplus(wrong.amax(1)).mean()) / 2


def binary_entropy(margins: Float[Tensor, "m k"]) -> Float[Tensor, "m k"]:
    """Return the entropy of each yes or no, in nats."""
    return F.softplus(margins) - margins * margins.sigmoid()
