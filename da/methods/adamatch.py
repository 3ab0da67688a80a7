"""AdaMatch."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from da.config.limits import AMOUNT, SHARE, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.methods._average import move_toward
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.models.network import copy_as_buffers
from da.ops.precision import upcast
from da.ops.random import Dropout


class AdaMatch(Method):
    """Train strong views on the classes of weak views, corrected to come as often as the source's.

    An image counts where it is nearly as certain as the source is. Source logits are drawn between
    those with and without the target in batch norm. Predictions are of the averaged weights. It
    learns from a few labeled target images, half of each source batch, and works without.
    """

    paper = "Berthelot et al. 2022, arXiv:2106.04732"
    family = "semi-supervised"
    takes_strong = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code.

        Where `network.bn` is separate, batch norm never sees both domains together, so there is
        nothing to draw source logits between.

        Differs from the paper: a batch has as many target images as source images, not three times
        as many. Averages, of weights and of predictions, are over fewer steps in the beginning,
        since they would keep what they began with in short runs. Strong views of pixels are those
        of the target alone. Where there are no pixels, as for cached features, a strong view of
        either domain is the image with some of its features dropped.
        """

        trade_off: Annotated[float, LogUniform(0.01, 10), AMOUNT] = 1.0
        """Weight of the target images, reached at half of the training; 0 for no adaptation."""
        threshold: Annotated[float, Uniform(0.5, 0.99), UNIT] = 0.9
        """Certainty from which on images count, tau in the paper: a share of the source's mean."""
        keep: Annotated[float, Choice(0.9, 0.99, 0.999), UNIT] = 0.999
        """Largest share of the averaged weights that a step keeps."""
        feature_dropout: Annotated[float, Uniform(0.1, 0.9), SHARE] = 0.5
        """Share of features dropped in a strong view of features; ours. Unused for pixels."""

    hp: Hparams
    steps: Tensor
    p_source: Tensor
    p_target: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.drop = Dropout(hp.feature_dropout)
        self.register_buffer("steps", torch.zeros(()))
        for name in ("p_source", "p_target"):
            self.register_buffer(name, torch.full((classes,), 1 / classes))
        self.seen = self.p_source, self.p_target
        self.teacher = copy_as_buffers(self._student())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and that of strong views with weak views' classes."""
        of_source, weak, strong = self._logits(batch)
        y = batch.source.y
        p_s, p_t = of_source[: len(y)].softmax(1).detach(), weak.softmax(1).detach()
        self.seen = self._averages(p_s, p_t)
        p = align(p_t, *self.seen)
        certain = p.max(1).values >= self.hp.threshold * p_s.max(1).values.mean()
        loss = (F.cross_entropy(strong, p.argmax(1), reduction="none") * certain).mean()
        return {
            "task": self.task_loss(of_source, y.repeat(len(of_source) // len(y))),
            "strong": self.hp.trade_off * ramp(progress) * loss,
        }

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the class logits of target images by the averaged weights."""
        return self.teacher(x)

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the class logits of source images by the averaged weights."""
        return self.teacher(x)

    @torch.no_grad()
    def after_step(self) -> None:
        """Keep the averages of the step: of predictions, and of weights.

        In the first steps, the weights that are kept have a smaller share than `keep`. Statistics
        of batch norms are those of the trained network.
        """
        self.steps += 1
        self.p_source, self.p_target = self.seen
        share = (9 / (10 + self.steps)).clamp_min(1 - self.hp.keep)
        move_toward(self.teacher, self._student(), share)
        for name, statistics in self._student().named_buffers():
            self.teacher.get_buffer(name).copy_(statistics)

    def _logits(self, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
        """Return logits of all views of source images, and of weak and strong target views."""
        x_s, x_t, strong = batch.source.x, batch.target.x, batch.target.strong
        views = [x_s, self.drop(x_s)] if strong is None else [x_s]
        strong = self.drop(x_t) if strong is None else strong
        if self.network.bn == "separate":
            of_source, both = self._alone(views), self._classify(torch.cat([x_t, strong]))
        else:
            both = self._classify(torch.cat([*views, x_t, strong]))
            of_source, both = both.split([len(both) - 2 * len(x_t), 2 * len(x_t)])
            if self.training:
                with self._statistics_held():
                    alone = self._alone(views)
                of_source = of_source + (alone - of_source) * torch.rand_like(alone)
        weak, of_strong = both.chunk(2)
        return of_source, weak, of_strong

    def _alone(self, views: list[Tensor]) -> Float[Tensor, "b k"]:
        return upcast(self.head(torch.cat([self.embed(x) for x in views])))

    def _classify(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        return upcast(self.head(self.embed(x)))

    @contextmanager
    def _statistics_held(self) -> Iterator[None]:
        """Let batch norms keep what they hold within the context."""
        norms = [module for module in self.modules() if isinstance(module, _BatchNorm)]
        usual = [norm.momentum for norm in norms]
        for norm in norms:
            norm.momentum = 0.0
        yield
        for norm, momentum in zip(norms, usual, strict=True):
            norm.momentum = momentum

    def _averages(
        self, p_s: Float[Tensor, "n k"], p_t: Float[Tensor, "m k"]
    ) -> tuple[Float[Tensor, "k"], Float[Tensor, "k"]]:
        """Return the average predictions of both domains, with those of a batch."""
        share = 1 / (self.steps + 1)
        return (
            self.p_source.lerp(p_s.mean(0), share.clamp_min(0.001)),
            self.p_target.lerp(p_t.mean(0), share.clamp_min(1 / 128)),
        )

    def _student(self) -> nn.Sequential:
        return nn.Sequential(self.backbone, self.neck, self.head)


def align(
    p: Float[Tensor, "m k"], source: Float[Tensor, "k"], target: Float[Tensor, "k"]
) -> Float[Tensor, "m k"]:
    """Return predictions whose classes come as often as in the source (Berthelot et al. 2022).

    Args:
        p: Predictions for target images.
        source: Average prediction for source images.
        target: Average prediction for target images.
    """
    p = p * (1e-6 + source) / (1e-6 + target)
    return p / p.sum(1, keepdim=True)


def ramp(progress: Scalar) -> Float[Tensor, ""]:
    """Return the share of the weight at `progress`: from 0 to 1 along half a cosine, up to 0.5."""
    done = (2 * torch.as_tensor(progress, dtype=torch.float32)).clamp_max(1)
    return (1 - torch.cos(math.pi * done)) / 2
