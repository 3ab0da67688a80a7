"""Smooth domain-adversarial training."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call

from da.config.limits import AMOUNT, POSITIVE
from da.config.ranges import LogUniform
from da.methods.base import Batch, Losses, Scalar
from da.methods.cdan_mcc import CDANMCC
from da.ops.functional import class_confusion


class SDAT(CDANMCC):
    """Train CDAN and MCC with a task loss that stays small all around the weights."""

    paper = "Rangwani et al. 2022, arXiv:2206.08213"
    batchable = None

    @dataclass(frozen=True)
    class Hparams(CDANMCC.Hparams):
        """Settings of the authors' scripts, with the smoothing that the paper describes.

        In the paper, only the task loss is smoothed: it is taken uphill from the weights. `climb`
        gives what the authors' script for CDAN+MCC does; its `rho` is 0.05 by default.
        """

        entropy: bool = False
        """Whether images with certain predictions weigh more; off in the authors' scripts."""
        temperature: Annotated[float, LogUniform(0.5, 10), POSITIVE] = 2.0
        """Temperature that softens target predictions in the confusion loss, as in the scripts."""
        rho: Annotated[float, LogUniform(0.001, 0.5), AMOUNT] = 0.02
        """Distance uphill, in the space of weights, at which the task loss is taken; 0 for none."""
        climb: Literal["task", "all"] = "task"
        """What is smoothed.
        task: the task loss is taken up its own gradient, the other losses at the weights.
        all: every loss is taken up the gradient of task and confusion loss, as in the script.
        """

    hp: Hparams

    def forward(self, batch: Batch, progress: Scalar, at_top: bool = False) -> Losses:
        """Return the losses of CDAN and MCC, with those that `climb` names taken uphill."""
        if self.hp.climb == "all" and not at_top:
            return functional_call(self, self.climb(self.steep(batch)), (batch, progress, True))
        losses = super().forward(batch, progress)
        return losses if at_top else {**losses, "task": self.uphill(losses["task"], batch)}

    def steep(self, batch: Batch) -> Float[Tensor, ""]:
        """Compute the sum of task and confusion loss."""
        f_s, f_t = self.features(batch)
        confusion = class_confusion(self.head(f_t), self.hp.temperature)
        task = self.task_loss(self.head(f_s), batch.source.y)
        return task + self.hp.confusion_trade_off * confusion

    def uphill(self, task: Float[Tensor, ""], batch: Batch) -> Float[Tensor, ""]:
        """Compute the task loss `rho` uphill along its gradient, as a function of these weights."""
        x_s, x_t = batch.source.x, batch.target.x
        x = x_s if self.network.bn == "separate" else torch.cat([x_s, x_t])
        logits = functional_call(self.classifier(), self.climb(task), (x,))[: len(x_s)]
        return self.task_loss(logits, batch.source.y)

    def climb(self, loss: Float[Tensor, ""]) -> dict[str, Tensor]:
        """Return the classifier's weights `rho` up the gradient of a loss, by their names."""
        named = self.classifier().named_parameters()
        weights = {name: p for name, p in named if p.requires_grad}
        gradient = torch.autograd.grad(loss, list(weights.values()), retain_graph=True)
        length = torch.stack([g.norm() for g in gradient]).norm()
        step = self.hp.rho / (length + 1e-12)
        return {name: p + step * g for (name, p), g in zip(weights.items(), gradient, strict=True)}

    def classifier(self) -> nn.Sequential:
        """Return backbone, neck and head as one network."""
        parts = {"backbone": self.backbone, "neck": self.neck, "head": self.head}
        return nn.Sequential(OrderedDict(parts))
