"""Efficient test-time adaptation without forgetting."""

import math
from dataclasses import dataclass
from typing import Annotated

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from da.config.limits import AMOUNT, COUNT, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._norms import MovesNorms
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy


class EATA(MovesNorms):
    """Adapt norms by test images that are certain and new, and hold what the source needs.

    Raises ValueError for a network without batch, layer or group norm.
    """

    paper = "Niu et al. 2022, arXiv:2204.02610"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors for CIFAR-10, whose classes are few as well.

        For ImageNet they set `redundancy` 0.05 and `trade_off` 2000. Fisher information is that of
        source training images without labels, seen once before the stream; theirs are held-out
        images of the source. On frozen features the moving norms are those of the neck.

        Differs from the authors' code: after the stream, the network uses the mean statistics of
        the stream.
        """

        margin: Annotated[float, Uniform(0.1, 1), UNIT] = 0.4
        """Largest entropy of an image that counts, as a share of that of an even guess."""
        redundancy: Annotated[float, Choice(0.05, 0.1, 0.2, 0.4, 0.6), UNIT] = 0.4
        """Cosine with the mean prediction so far that an image must stay below to count as new."""
        trade_off: Annotated[float, LogUniform(0.1, 10000), AMOUNT] = 1.0
        """Weight of the penalty on weights that the source needs, beta in the paper; 0 for ETA."""
        samples: Annotated[int, COUNT] = 2000
        """Largest number of source images for the Fisher information."""

    hp: Hparams
    mean: Tensor
    fisher: Tensor
    begun: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        for name, size in {"mean": classes, "fisher": 0, "begun": 0}.items():
            self.register_buffer(name, torch.zeros(size))

    def prepare_source(self, source: Images) -> None:
        """Compute how much the source's predictions depend on each weight."""
        self.train()
        some = torch.randperm(len(source), generator=torch.Generator().manual_seed(0))
        some = some[: self.hp.samples]
        squares = []
        for i in some.chunk(max(1, len(some) // 64)):
            logits = self.predict(source.to_input(i, self.online.device))
            loss = F.cross_entropy(logits, logits.argmax(1))
            gradients = torch.autograd.grad(loss, self.moving(), materialize_grads=True)
            squares.append(parameters_to_vector(gradients).square())
        self.fisher = torch.stack(squares).mean(0)

    def prepare_target(self, target: Images) -> None:
        """Begin a stream of which no image has been seen."""
        self.begun = parameters_to_vector(self.moving()).detach().clone()
        self.mean = torch.zeros_like(self.mean)
        if self.fisher.shape != self.begun.shape:
            self.fisher = torch.zeros_like(self.begun)
        super().prepare_target(target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the weighted entropy of the chosen images, and the penalty."""
        logits = self.predict(batch.target.x)
        self.keep(batch.target, logits)
        entropy, p = prediction_entropy(logits), logits.detach().float().softmax(1)
        chosen = self._choose(entropy.detach(), p)
        self._mean = moving_mean(self.mean, p[chosen])
        if not chosen.any():
            zero = entropy.detach().sum() * 0
            return {"entropy": zero, "fisher": zero}
        weight = (self._limit() - entropy.detach()).exp()
        moved = parameters_to_vector(self.moving()) - self.begun
        return {
            "entropy": (weight * entropy)[chosen].mean(),
            "fisher": self.hp.trade_off * (self.fisher * moved.square()).sum(),
        }

    def after_step(self) -> None:
        """Store the predictions, and take those of chosen images into their mean."""
        super().after_step()
        self.mean = self._mean

    def _choose(self, entropy: Float[Tensor, "b"], p: Float[Tensor, "b k"]) -> Bool[Tensor, "b"]:
        """Return which images are certain, and unlike the mean prediction so far."""
        certain = entropy < self._limit()
        if not self.mean.any():
            return certain
        return certain & (F.cosine_similarity(self.mean[None], p).abs() < self.hp.redundancy)

    def _limit(self) -> float:
        return self.hp.margin * math.log(self.classes)


def moving_mean(mean: Float[Tensor, "k"], p: Float[Tensor, "b k"]) -> Float[Tensor, "k"]:
    """Return the mean prediction with a tenth of that of a batch; zeros stand for no batch yet."""
    if not len(p):
        return mean
    return torch.lerp(mean, p.mean(0), 0.1) if mean.any() else p.mean(0)
