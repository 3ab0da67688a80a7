"""Methods of ours that do as a script does where their docstring says that they differ.

All but that difference is ours: the rest of the steps is what the tests compare.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from da.data.batch import Batch, TargetBatch, Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods.aad import AaD
from da.methods.base import Losses, Scalar
from da.methods.mean_teacher import MeanTeacher
from da.methods.nrc import NRC
from da.methods.pada import PADA

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


class BalancedTeacher(MeanTeacher):
    """Balances classes, and its teacher is the student at first, not a mean of students."""

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Begin the teacher as the student."""
        self.teacher.load_state_dict(self._student().state_dict())

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        sure = self.teacher(batch.target.x).softmax(1).max(1).values > self.hp.threshold
        p = self.head(self.embed(batch.target.strong)).softmax(1).mean(0)
        even = F.binary_cross_entropy(p, torch.full_like(p, 1 / self.classes))
        return super().forward(batch, progress) | {"balance": 0.01 * even * sure.to(p).mean()}

    def after_step(self) -> None:
        """Move the teacher as late in a training, where it keeps most."""
        self.steps.fill_(1e6)
        super().after_step()
