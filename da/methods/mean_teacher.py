"""Mean teacher, by self-ensembling."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.limits import AMOUNT, SHARE, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.models.network import copy_as_buffers
from da.ops.precision import upcast
from da.ops.random import Dropout


class MeanTeacher(Method):
    """Train a student to agree, on noisy target images, with its average over time, the teacher.

    Predictions are the teacher's.
    """

    paper = "French et al. 2018, arXiv:1706.05208"
    family = "self-training"
    takes_strong = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper's method with a confidence threshold.

        As in the paper, source and target never share a batch in batch norm, whatever `network.bn`
        says. The teacher starts as the mean of all students, as in the code of Tarvainen & Valpola
        2017.

        Differs from the paper: no loss balances classes, unless `evenness` does. In the paper, both
        views of an image are drawn in the same way; here the teacher sees the image of the batch
        and the student its strong view. Where there is no strong view, as for cached features, each
        of them sees features of which different ones are dropped.
        """

        trade_off: Annotated[float, LogUniform(0.1, 30), AMOUNT] = 3.0
        """Weight of the squared difference between predictions; 0 for no adaptation."""
        threshold: Annotated[float, Uniform(0.5, 0.99), UNIT] = 0.96837722
        """Confidence (0 to 1) that the teacher must exceed for an image to count."""
        keep: Annotated[float, Choice(0.9, 0.95, 0.99, 0.995, 0.999), UNIT] = 0.99
        """Largest share of the teacher's weights that a step keeps, alpha in the paper."""
        evenness: Annotated[float, LogUniform(0.001, 1), AMOUNT] = 0.0
        """Weight of a loss that spreads the student's target predictions over all classes.
        It counts as the share of images that count does; 0.01 in Transfer-Learning-Library.
        """
        warm_up: bool = True
        """Whether the teacher begins as the mean of all students; otherwise each step keeps `keep`,
        as in Transfer-Learning-Library.
        """
        feature_dropout: Annotated[float, Uniform(0.1, 0.9), SHARE] = 0.5
        """Share of features dropped in a view of features; ours. Unused for pixels."""

    hp: Hparams
    steps: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.drop = Dropout(hp.feature_dropout)
        self.register_buffer("steps", torch.zeros(()))
        self.teacher = copy_as_buffers(self._student())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the gap from student to teacher on the target."""
        x, strong = batch.target.x, batch.target.strong
        view, other = (self.drop(x), self.drop(x)) if strong is None else (strong, x)
        p = self.head(self.embed(view)).softmax(1)
        q = self.teacher(other).softmax(1)
        certain = q.max(1).values > self.hp.threshold
        gap = (p - q).square().mean(1)
        losses = {
            "task": self.task_loss(self.head(self.embed(batch.source.x)), batch.source.y),
            "consistency": self.hp.trade_off * (gap * certain).mean(),
        }
        if self.hp.evenness:
            losses["evenness"] = self.hp.evenness * uneven(p) * certain.float().mean()
        return losses

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the teacher's class logits of target images."""
        return self.teacher(x)

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the teacher's class logits of source images."""
        return self.teacher(x)

    @torch.no_grad()
    def after_step(self) -> None:
        """Move the teacher's weights toward the student's; its batch norm statistics are its own.

        In the first steps, it moves so far that it is the mean of all students until then.
        """
        self.steps += 1
        mean = 1 / (self.steps + 1) if self.hp.warm_up else torch.zeros_like(self.steps)
        share = mean.clamp_min(1 - self.hp.keep)
        for name, weight in self._student().named_parameters():
            self.teacher.get_buffer(name).lerp_(weight, share)

    def _student(self) -> nn.Sequential:
        return nn.Sequential(self.backbone, self.neck, self.head)


def uneven(p: Float[Tensor, "m k"]) -> Float[Tensor, ""]:
    """Return the binary cross-entropy of the mean prediction with even classes.

    It is the mean over classes, as in Transfer-Learning-Library (French et al. 2018).
    """
    mean, share = upcast(p).mean(0), 1 / p.shape[1]
    least = torch.finfo(mean.dtype).tiny
    log_p, log_q = mean.clamp_min(least).log(), (1 - mean).clamp_min(least).log()
    return -(share * log_p + (1 - share) * log_q).mean()
