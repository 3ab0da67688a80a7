"""Test-time classifier adjustment."""

from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from da.config.limits import WHOLE
from da.config.ranges import Choice
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._streaming import Streaming
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy

Supports = tuple[Tensor, Tensor, Tensor]
"""Features, the class that the source's classifier predicts for each, and its entropy."""


class T3A(Streaming):
    """Classify by the mean direction of each class's most certain test images so far."""

    paper = "Iwasawa & Matsuo 2021, NeurIPS"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The authors search `supports` among 1, 5, 20, 50, 100 and all.

        Each row of the classifier begins as a support of its class. A batch joins the supports
        before it is predicted, as in the authors' code. The backbone, the neck and hidden layers
        of the head stay as they are, in evaluation mode.

        Differs from the authors' code: there, all supports means all but the least certain of each
        class.
        """

        supports: Annotated[int, Choice(1, 5, 20, 50, 100, 0), WHOLE] = 100
        """Supports that each class keeps, those with the smallest entropy, M in the paper;
        0 for all.
        """

    hp: Hparams
    supports: Tensor
    labels: Tensor
    entropies: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.register_buffer("supports", torch.zeros(0, self._last().in_features))
        self.register_buffer("labels", torch.zeros(0, dtype=torch.long))
        self.register_buffer("entropies", torch.zeros(0))

    def prepare_target(self, target: Images) -> None:
        """Begin with the rows of the classifier as supports."""
        self._found = self._describe(self._last().weight.detach().clone())
        self._commit()
        super().prepare_target(target)

    @torch.no_grad()
    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of the predictions, which nothing minimizes."""
        f = self.head[:-1](self.embed(batch.target.x)).float()
        old, new = (self.supports, self.labels, self.entropies), self._describe(f)
        joined = [torch.cat(both) for both in zip(old, new, strict=True)]
        kept = most_certain(joined[1], joined[2], self.hp.supports or len(joined[1]))
        self._found = joined[0][kept], joined[1][kept], joined[2][kept]
        logits = prototype_logits(f, self._found[0], self._found[1], self.classes)
        self.keep(batch.target, logits)
        return {"entropy": prediction_entropy(logits).mean()}

    def _describe(self, f: Float[Tensor, "b d"]) -> Supports:
        logits = self._last()(f).float()
        return f, logits.argmax(1), prediction_entropy(logits)

    def _last(self) -> nn.Linear:
        layer = self.head[-1]
        assert isinstance(layer, nn.Linear)
        return layer

    def _commit(self) -> None:
        self.supports, self.labels, self.entropies = self._found

    def after_step(self) -> None:
        """Store the predictions, and keep the supports that were chosen."""
        super().after_step()
        self._commit()

    def predict(self, x: Shaped[Tensor, "b ..."]) -> Float[Tensor, "b k"]:
        """Compute class logits by the supports so far."""
        f = self.head[:-1](self.embed(x)).float()
        return prototype_logits(f, self.supports, self.labels, self.classes)


def most_certain(
    labels: Int[Tensor, "n"], entropies: Float[Tensor, "n"], most: int
) -> Int[Tensor, "_"]:
    """Return the places of the `most` smallest entropies of each class, in order.

    Args:
        labels: Class of each place.
        entropies: Entropy at each place.
        most: Largest number of places of a class.
    """
    order = entropies.argsort(stable=True)
    ranked = F.one_hot(labels[order]).cumsum(0).gather(1, labels[order][:, None])
    return order[ranked.squeeze(1) <= most].sort().values


def prototype_logits(
    f: Float[Tensor, "b d"], supports: Float[Tensor, "n d"], labels: Int[Tensor, "n"], classes: int
) -> Float[Tensor, "b k"]:
    """Return products of features and the mean direction of each class, scaled to length 1.

    Args:
        f: Features of images.
        supports: Features of the supports.
        labels: Class of each support.
        classes: Number of classes.
    """
    weights = F.normalize(supports).mT @ F.one_hot(labels, classes).to(supports)
    return f @ F.normalize(weights, dim=0)
