"""Maximum classifier discrepancy."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from da.config.limits import AMOUNT, WHOLE
from da.config.ranges import IntRange, LogUniform
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar
from da.models.network import build_head
from da.ops.functional import discrepancy
from da.ops.precision import upcast

Pair = tuple[Tensor, Tensor]
"""Logits of both heads."""


class MCD(Method):
    """Make two heads disagree on target images, and train features on which they cannot.

    Differs from the authors' code for VisDA: no loss balances classes, unless `evenness` does.
    Raises ValueError where there is neither a neck nor a backbone to learn.
    """

    paper = "Saito et al. 2018, arXiv:1712.02560"
    family = "adversarial"
    batchable = ()

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the three steps of the paper.

        The discrepancy is a mean over classes, so it fades with their number:
        Transfer-Learning-Library weighs it by 10 for the 31 classes of Office-31.
        """

        backbone_steps: Annotated[int, IntRange(1, 4), WHOLE] = 4
        """Repeats of step C: features move to where heads agree; n in the paper, 0 for none."""
        trade_off: Annotated[float, LogUniform(0.1, 100), AMOUNT] = 1.0
        """Weight of the discrepancy of the heads, in steps B and C; 0 for no adaptation."""
        evenness: Annotated[float, LogUniform(0.001, 1), AMOUNT] = 0.0
        """Weight of a loss that spreads target predictions over all classes, in steps A and B.
        It is 0.01 in Transfer-Learning-Library; 0 for none.
        """

    hp: Hparams

    def __init__(self, hp: Method.Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.rival = build_head(network, self.width, classes)
        if not self._generator():
            raise ValueError("mcd learns features, not with neck 0 on frozen ones: use a neck")
        norms = any(isinstance(module, _BatchNorm) for module in self.modules())
        self._alone = network.bn == "separate" or not norms
        """Whether no batch norm sees both domains, so that steps A and C need one domain each."""
        self._joint_heads = network.head_norm and network.bn == "joint"
        """Whether batch norms of heads see both domains together."""

    def phases(self) -> Iterator[Phase]:
        """Return steps A, B and C, with step C repeated."""
        yield Phase(self, self.parameters())
        yield Phase(self.disagree, [*self.head.parameters(), *self.rival.parameters()])
        for _ in range(self.hp.backbone_steps):
            yield Phase(self.agree, self._generator())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step A: features and both heads learn the source."""
        if self.hp.evenness or self._joint_heads:
            source, target = self._logits(*self.features(batch))
            return self._tasks(*source, batch) | self._spread(*target)
        f_s = self.embed(batch.source.x) if self._alone else self.features(batch)[0]
        return self._tasks(self.head(f_s), self.rival(f_s), batch)

    def disagree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step B: heads learn the source, and to disagree on the target."""
        with torch.no_grad():
            f_s, f_t = self.features(batch)
        source, target = self._logits(f_s, f_t)
        losses = self._tasks(*source, batch) | self._spread(*target)
        return losses | {"disagree": -self._discrepancy(*target)}

    def agree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the loss of step C: target features move to where the heads agree."""
        if self._joint_heads:
            return {"agree": self._discrepancy(*self._logits(*self.features(batch))[1])}
        f_t = self.embed(batch.target.x) if self._alone else self.features(batch)[1]
        return {"agree": self._discrepancy(self.head(f_t), self.rival(f_t))}

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the mean logits of both heads on target images.

        They give the classes of the authors' ensemble.
        """
        return self._ensemble(self.embed(x))

    def predict_source(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute the mean logits of both heads on source images."""
        return self._ensemble(self.embed_source(x))

    def _generator(self) -> list[nn.Parameter]:
        return [*self.backbone.parameters(), *self.neck.parameters()]

    def _logits(self, f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"]) -> tuple[Pair, Pair]:
        """Return the logits of both heads, of source and of target features."""
        if not self._joint_heads:
            return (self.head(f_s), self.rival(f_s)), (self.head(f_t), self.rival(f_t))
        f, n = torch.cat([f_s, f_t]), len(f_s)
        one, two = self.head(f), self.rival(f)
        return (one[:n], two[:n]), (one[n:], two[n:])

    def _tasks(self, one: Tensor, two: Tensor, batch: Batch) -> Losses:
        return {
            "task": self.task_loss(one, batch.source.y),
            "task_rival": self.task_loss(two, batch.source.y),
        }

    def _spread(self, one: Tensor, two: Tensor) -> Losses:
        if not self.hp.evenness:
            return {}
        return {"evenness": self.hp.evenness * (uneven(one) + uneven(two))}

    def _discrepancy(self, one: Tensor, two: Tensor) -> Float[Tensor, ""]:
        return self.hp.trade_off * discrepancy(one.softmax(1), two.softmax(1))

    def _ensemble(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        return (self.head(f) + self.rival(f)) / 2


def uneven(logits: Float[Tensor, "m k"]) -> Float[Tensor, ""]:
    """Return the cross-entropy of even classes with the mean prediction.

    It is the mean over classes of -log(mean probability), as in Transfer-Learning-Library.
    """
    return (math.log(len(logits)) - upcast(logits).log_softmax(1).logsumexp(0)).mean()
