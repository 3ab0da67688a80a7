"""Maximum classifier discrepancy."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from da.config.limits import WHOLE
from da.config.ranges import IntRange
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar
from da.models.network import build_head
from da.ops.functional import discrepancy


class MCD(Method):
    """Make two heads disagree on target images, and train features on which they cannot.

    Differs from the authors' code for VisDA: there is no loss that balances classes. Raises
    ValueError where there is neither a neck nor a backbone to learn.
    """

    paper = "Saito et al. 2018, arXiv:1712.02560"
    family = "adversarial"
    batchable = ()

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the three steps of the paper."""

        backbone_steps: Annotated[int, IntRange(1, 4), WHOLE] = 4
        """Repeats of step C: features move to where heads agree; n in the paper, 0 for none."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.rival = build_head(network, self.width, classes)
        if not self._generator():
            raise ValueError("mcd learns features, not with neck 0 on frozen ones: use a neck")
        norms = any(isinstance(module, _BatchNorm) for module in self.modules())
        self._alone = network.bn == "separate" or not norms
        """Whether no batch norm sees both domains, so that steps A and C need one domain each."""

    def phases(self) -> Iterator[Phase]:
        """Return steps A, B and C, with step C repeated."""
        yield Phase(self, self.parameters())
        yield Phase(self.disagree, [*self.head.parameters(), *self.rival.parameters()])
        for _ in range(self.hp.backbone_steps):
            yield Phase(self.agree, self._generator())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step A: features and both heads learn the source."""
        if self._alone:
            return self._tasks(self.embed(batch.source.x), batch)
        return self._tasks(self.features(batch)[0], batch)

    def disagree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step B: heads learn the source, and to disagree on the target."""
        with torch.no_grad():
            f_s, f_t = self.features(batch)
        return {**self._tasks(f_s, batch), "disagree": -self._discrepancy(f_t)}

    def agree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the loss of step C: target features move to where the heads agree."""
        if self._alone:
            return {"agree": self._discrepancy(self.embed(batch.target.x))}
        return {"agree": self._discrepancy(self.features(batch)[1])}

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

    def _tasks(self, f_s: Float[Tensor, "n d"], batch: Batch) -> Losses:
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "task_rival": self.task_loss(self.rival(f_s), batch.source.y),
        }

    def _discrepancy(self, f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
        return discrepancy(self.head(f_t).softmax(1), self.rival(f_t).softmax(1))

    def _ensemble(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        return (self.head(f) + self.rival(f)) / 2
