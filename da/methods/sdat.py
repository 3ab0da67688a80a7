"""Smooth domain-adversarial training."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan_mcc import CDANMCC


class SDAT(CDANMCC):
    """Train CDAN and MCC with a task loss that stays small all around the weights."""

    paper = "Rangwani et al. 2022, arXiv:2206.08213"
    batchable = None

    @dataclass(frozen=True)
    class Hparams(CDANMCC.Hparams):
        """Settings of the authors' scripts, with the smoothing that the paper describes.

        In the paper, only the task loss is smoothed: it is taken uphill from the weights. In the
        authors' script for CDAN+MCC, the step uphill also follows the confusion loss, and all
        losses are taken at its end.
        """

        entropy: bool = False
        """Whether images with certain predictions weigh more; off in the authors' scripts."""
        temperature: Annotated[float, LogUniform(0.5, 10), POSITIVE] = 2.0
        """Temperature that softens target predictions in the confusion loss, as in the scripts."""
        rho: Annotated[float, LogUniform(0.001, 0.5), AMOUNT] = 0.02
        """Distance uphill, in the space of weights, at which the task loss is taken; 0 for none."""

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of CDAN and MCC, with the task loss and its gradient taken uphill."""
        losses = super().forward(batch, progress)
        return {**losses, "task": self.uphill(losses["task"], batch)}

    def uphill(self, task: Float[Tensor, ""], batch: Batch) -> Float[Tensor, ""]:
        """Compute the task loss `rho` uphill along its gradient, as a function of these weights."""
        network = nn.Sequential(self.backbone, self.neck, self.head)
        weights = {name: p for name, p in network.named_parameters() if p.requires_grad}
        gradient = torch.autograd.grad(task, list(weights.values()), retain_graph=True)
        length = torch.stack([g.norm() for g in gradient]).norm()
        step = self.hp.rho / (length + 1e-12)
        climbed = {
            name: p + step * g for (name, p), g in zip(weights.items(), gradient, strict=True)
        }
        x_s, x_t = batch.source.x, batch.target.x
        x = x_s if self.network.bn == "separate" else torch.cat([x_s, x_t])
        logits = functional_call(network, climbed, (x,))[: len(x_s)]
        return self.task_loss(logits, batch.source.y)
