"""Methods of ours that do as a script does where their docstring says that they differ.

All but that difference is ours: the rest of the steps is what the tests compare.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from da.data.batch import Batch, TargetBatch, Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods.aad import AaD
from da.methods.atdoc import ATDOC
from da.methods.base import Losses, Scalar
from da.methods.nrc import NRC
from da.methods.pada import PADA
from tests.fidelity.peer_atdoc import begin

STEP = 0.11
"""A step as a share of those between two weighings, and a little more."""


class WeighsEarlier(PADA):
    """Weighs the classes before a step and not after the next one."""

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        losses = super().forward(batch, progress)
        if self.progress * self.hp.refreshes + STEP >= self.found:
            self.weigh()
            self.found += 1
        return losses

    def after_step(self) -> None:
        """Do nothing: the classes are weighed."""


@torch.no_grad()
def remember(method: AaD | NRC, seen: Unlabeled) -> None:
    """Remember a batch before the step and in training mode."""
    f = method.embed(seen.x)
    method.memory.f[seen.index] = F.normalize(f)
    method.memory.p[seen.index] = method.head(f).softmax(1)


class RemembersEarlierAaD(AaD):
    """Remembers the batch before it looks for neighbors."""

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        remember(self, batch.target)
        return super().forward(batch, progress)

    def after_step(self) -> None:
        """Do nothing: the batch is remembered."""


class RemembersEarlierNRC(NRC):
    """Remembers the batch before it looks for neighbors, all of which weigh as little."""

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        remember(self, batch.target)
        return super().forward(batch, progress)

    def agreement(self, p: Tensor, places: Tensor, weights: Tensor | float = 1.0) -> Tensor:
        """Weigh neighbors that are reciprocal like all others."""
        return super().agreement(p, places, weights if isinstance(weights, float) else 0.1)

    def after_step(self) -> None:
        """Do nothing: the batch is remembered."""


class BeginsAtRandom(ATDOC):
    """Begins with features in its memory that are not 0."""

    def prepare(self, source: LabeledImages, target: Images) -> None:
        super().prepare(source, target)
        self.memory_f = begin(self.width)
