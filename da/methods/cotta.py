"""Continual test-time adaptation by an averaged teacher."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.limits import FEW, SHARE, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._averaged_teacher import AveragedTeacher
from da.methods._norms import count_batch, forget_statistics, use_batch_statistics, without_tracking
from da.methods.base import Losses, Network, Scalar
from da.models.network import copy_as_buffers


class CoTTA(AveragedTeacher):
    """Learn all weights from a teacher, their average over time, and restore some of the source's.

    Predictions are the teacher's. Where the source's network is unsure of a batch, they are the
    mean over views.
    """

    paper = "Wang et al. 2022, arXiv:2203.13591"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(AveragedTeacher.Hparams):
        """Settings of the authors for CIFAR-10; for ImageNet they set `threshold` 0.1.

        All three networks normalize by the statistics of each batch. The views of pixels are
        turned, moved, scaled, mirrored and tinted. On features, a view lacks a share of them: with
        equal inputs, student and teacher agree from the start, and nothing would move.

        Differs from the authors' code: dropout is off, and after the stream, the network uses the
        mean statistics of the stream.
        """

        restore: Annotated[float, LogUniform(0.0001, 0.1), SHARE] = 0.01
        """Chance of a weight to return to the source's after a step; 0 for none."""
        threshold: Annotated[float, Uniform(0.1, 1), UNIT] = 0.92
        """Mean confidence of the source's network below which the teacher looks at views."""
        augmentations: Annotated[int, Choice(4, 8, 16, 32), FEW] = 32
        """Views whose predictions the teacher averages."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.requires_grad_(True)
        self.anchor = copy_as_buffers(self.student())

    def train(self, mode: bool = True) -> "CoTTA":
        """Set the mode of batch norms and views; all other layers stay in evaluation mode."""
        super().train(mode)
        use_batch_statistics(self, mode)
        return self

    def prepare_target(self, target: Images) -> None:
        """Begin teacher and anchor as the source's network."""
        self.anchor.load_state_dict(self.student().state_dict())
        forget_statistics(self)
        super().prepare_target(target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the cross-entropy of the student with the teacher's predictions."""
        x = batch.target.x
        teacher = self._teach(x)
        self.keep(batch.target, teacher)
        log_p = self.student()(x).float().log_softmax(1)
        return {"consistency": -(teacher.softmax(1) * log_p).sum(1).mean()}

    @torch.no_grad()
    def _teach(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Return the teacher's logits, their mean over views where the anchor is unsure."""
        sure = self.anchor(x).float().softmax(1).max(1).values.mean()
        plain = self.teacher(x).float()
        if sure >= self.hp.threshold or not self.training:
            return plain
        with without_tracking(self.teacher):
            seen = [self.teacher(self.view(x)).float() for _ in range(self.hp.augmentations)]
        return torch.stack(seen).mean(0)

    @torch.no_grad()
    def after_step(self) -> None:
        """Store the predictions, move the teacher, and restore some weights."""
        super().after_step()
        count_batch(self)
        self.move_teacher()
        source = dict(self.anchor.named_buffers())
        for name, weight in self.student().named_parameters():
            if weight.requires_grad:
                back = torch.rand(weight.shape).to(weight.device) < self.hp.restore
                weight.copy_(torch.where(back, source[name], weight))

    def reset(self) -> None:
        """Forget the statistics of the batches so far."""
        forget_statistics(self)
