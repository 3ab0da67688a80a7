"""Multisource domain-adversarial networks."""

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods._several_sources import each_cross_entropy, source_weights, task_weights
from da.methods.base import Batch, Losses, Method, Scalar
from da.models.network import mlp
from da.ops.functional import reverse_gradient


class MDAN(Method):
    """Align each of several sources with the target by a discriminator of its own.

    The sources that are learned worst count most. Labeled target images are a part of every source.
    """

    paper = "Zhao et al. 2018, arXiv:1705.09684"
    family = "multi-source"
    takes_domains = True
    batchable = "trade_off", "gamma"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code on Amazon reviews.

        As there, the soft version weighs sources by the sum of both losses, whose log-sum-exp has
        the same gradient. In the paper's bound the domain loss is subtracted.
        """

        trade_off: Annotated[float, LogUniform(0.001, 10), AMOUNT] = 0.01
        """Weight of the domain losses, mu in the paper; 0 for no adaptation."""
        version: Literal["soft", "hard"] = "soft"
        """Which sources count.
        soft: all, by the softmax of gamma times their losses.
        hard: the one with the largest task loss, and the one with the smallest domain loss.
        """
        gamma: Annotated[float, LogUniform(0.1, 100), POSITIVE] = 10.0
        """How much more the worst source counts in the soft version."""
        hidden: Annotated[tuple[int, ...], COUNT] = ()
        """Widths of each discriminator's hidden layers; empty for a linear one."""

    hp: Hparams

    def take_domains(self, count: int) -> None:
        """Add a discriminator for each source."""
        each = (mlp(self.width, self.hp.hidden, 1) for _ in range(count))
        self.discriminators = nn.ModuleList(each)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the weighted cross-entropy of the sources, and their weighted domain losses."""
        f_s, f_t = self.features(batch)
        smoothing, count = self.network.label_smoothing, len(self.discriminators)
        each = each_cross_entropy(self.head(f_s), batch.source.y, smoothing)
        task = task_weights(batch.source, count) @ each
        domain = self._domain_losses(f_s, f_t, source_weights(batch.source, count))
        w_task, w_domain = self._weights(task.detach(), domain.detach())
        return {"task": w_task @ task, "domain": self.hp.trade_off * (w_domain @ domain)}

    def _domain_losses(
        self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"], own: Float[Tensor, "s n"]
    ) -> Float[Tensor, "s"]:
        """Return each discriminator's loss on its source plus that on the target."""
        f = reverse_gradient(torch.cat([f_s, f_t]))
        logits = torch.cat([network(f) for network in self.discriminators], 1).mT.float()
        of_source, of_target = logits.split([len(f_s), len(f_t)], 1)
        return (own * F.softplus(-of_source)).sum(1) + F.softplus(of_target).mean(1)

    def _weights(
        self, task: Float[Tensor, "s"], domain: Float[Tensor, "s"]
    ) -> tuple[Float[Tensor, "s"], Float[Tensor, "s"]]:
        if self.hp.version == "hard":
            worst, nearest = task == task.max(), domain == domain.min()
            return worst / worst.sum(), nearest / nearest.sum()
        soft = (self.hp.gamma * (task + self.hp.trade_off * domain)).softmax(0)
        return soft, soft
