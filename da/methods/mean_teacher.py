"""Mean teacher, by self-ensembling."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.ranges import Choice, LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.models.network import copy_as_buffers
from da.ops.random import Dropout


class MeanTeacher(Method):
    """A student agrees, on noisy target images, with a teacher that is its average over time.

    Predictions are the teacher's.
    """

    paper = "French et al. 2018, arXiv:1706.05208"
    family = "self-training"
    takes_strong = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Their method with a confidence threshold, without the loss that balances classes.

        As there, source and target never share a batch norm's batch, whatever `network.bn` says.
        The teacher starts as in the code of Tarvainen & Valpola 2017, as the mean of all students.
        Their two views of an image are drawn alike; here the teacher sees the batch's and the
        student the strong one. Where there is none, as for cached features, both see features of
        which each has lost others.
        """

        trade_off: Annotated[float, LogUniform(0.1, 30)] = 3.0
        """Weight of the squared difference of predictions."""
        threshold: Annotated[float, Uniform(0.5, 0.99)] = 0.96837722
        """Confidence that the teacher must exceed for an image to count."""
        keep: Annotated[float, Choice(0.9, 0.95, 0.99, 0.995, 0.999)] = 0.99
        """Largest share of the teacher's weights that stays at a step, alpha in the paper."""
        feature_dropout: Annotated[float, Uniform(0.1, 0.9)] = 0.5
        """Share of the features that a feature-space view loses; ours."""

    hp: Hparams
    steps: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.drop = Dropout(hp.feature_dropout)
        self.register_buffer("steps", torch.zeros(()))
        self.teacher = copy_as_buffers(self._student())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Source cross-entropy, and how far student and teacher are apart on the target."""
        x, strong = batch.target.x, batch.target.strong
        view, other = (self.drop(x), self.drop(x)) if strong is None else (strong, x)
        p = self.head(self.embed(view)).softmax(1)
        q = self.teacher(other).softmax(1)
        certain = q.max(1).values > self.hp.threshold
        gap = (p - q).square().mean(1)
        return {
            "task": self.task_loss(self.head(self.embed(batch.source.x)), batch.source.y),
            "consistency": self.hp.trade_off * (gap * certain).mean(),
        }

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """The teacher's class logits of target images."""
        return self.teacher(x)

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """The teacher's class logits of source images."""
        return self.teacher(x)

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the teacher's weights toward the student's; its batch norm is its own.

        At first by as much as makes it the mean of all students until then.
        """
        self.steps += 1
        share = (1 / (self.steps + 1)).clamp_min(1 - self.hp.keep)
        for name, weight in self._student().named_parameters():
            self.teacher.get_buffer(name).lerp_(weight, share)

    def _student(self) -> nn.Sequential:
        return nn.Sequential(self.backbone, self.neck, self.head)
