"""Statistics of batch norms from test images."""

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import nn

from da.config.limits import WHOLE
from da.config.ranges import Choice
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._norms import held_statistics, mix_statistics, mixing
from da.methods._streaming import Streaming
from da.methods.base import Losses, Method, Network, Scalar
from da.ops.functional import prediction_entropy


class BNAdapt(Streaming):
    """Normalize each batch of test images by its own statistics; no weight moves.

    Raises ValueError for a network without batch norm.
    """

    paper = "Schneider et al. 2020, arXiv:2006.16971"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """The paper's formula; the default uses the batch alone, as TENT does.

        With `prior` N and n images in a batch, statistics are mixed as n / (n + N) of the batch's
        and N / (n + N) of the source's. On frozen features these are the norms of the neck.

        Differs from the paper: after the stream, the network uses the mean of these mixtures.
        """

        prior: Annotated[int, Choice(0, 8, 16, 32, 64, 128, 256, 512), WHOLE] = 0
        """Images that the source's statistics count as, N in the paper; 0 for the batch alone."""

    hp: Hparams

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.mixtures = mix_statistics(self)
        if not self.mixtures:
            raise ValueError(
                "bn_adapt needs batch norms, and this network has none, known: neck 256"
            )

    def prepare_target(self, target: Images) -> None:
        """Keep the source's statistics, and begin a stream of which no image has been seen."""
        for norm, mixture in self.mixtures:
            mean, var = held_statistics(norm)
            mixture.source = mean.clone(), var.clone()
        self.reset()
        super().prepare_target(target)

    def reset(self) -> None:
        """Forget how many batches came."""
        self.batches = 0

    @torch.no_grad()
    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the entropy of the predictions, which nothing minimizes."""
        n = len(batch.target.x)
        with mixing(self.mixtures, n / (n + self.hp.prior) if self.training else None):
            logits = self.predict(batch.target.x)
        self.keep(batch.target, logits)
        return {"entropy": prediction_entropy(logits).mean()}

    def after_step(self) -> None:
        """Store the predictions, and take the mixtures into their mean over the stream."""
        super().after_step()
        self.batches += 1
        for norm, mixture in self.mixtures:
            assert mixture.mixed is not None
            for mean, mixed in zip(held_statistics(norm), mixture.mixed, strict=True):
                mean.lerp_(mixed, 1 / self.batches)
