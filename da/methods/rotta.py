"""Robust test-time adaptation in streams of correlated images."""

from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.config.limits import COUNT, UNIT
from da.config.ranges import Choice, LogUniform
from da.data.batch import Batch, TargetBatch
from da.data.domain import Images
from da.methods._averaged_teacher import AveragedTeacher
from da.methods._balanced_memory import Slot, add_image
from da.methods._norms import held_statistics, list_norms, mix_statistics, mixing, release_norms
from da.methods.base import Losses, Network, Scalar
from da.ops.functional import prediction_entropy


class RoTTA(AveragedTeacher):
    """Learn norms from a memory with as many images of each class, by an averaged teacher.

    Predictions are the teacher's. Statistics of batch norms move slowly, so that batches of few
    classes do not bend them.

    Raises ValueError for a network without batch, layer or group norm.
    """

    paper = "Yuan et al. 2023, arXiv:2303.13899"
    family = "test-time"
    source_free = True
    streams = True

    @dataclass(frozen=True)
    class Hparams(AveragedTeacher.Hparams):
        """Settings of the authors' code.

        The student sees views of the memory's images: pixels are turned, moved, scaled, mirrored
        and tinted, and a view of features lacks a share of them.

        Differs from the authors' code: a batch is one step at most, however many images it has,
        and the memory takes all of them before it. The two agree for batches of `every` images.
        """

        capacity: Annotated[int, Choice(16, 32, 64, 128), COUNT] = 64
        """Most images in the memory."""
        every: Annotated[int, COUNT] = 64
        """Images between two steps."""
        share: Annotated[float, LogUniform(0.01, 1), UNIT] = 0.05
        """Share of the memory's statistics in those of batch norms, alpha in the paper."""

    hp: Hparams
    images: Tensor
    labels: Tensor
    entropies: Tensor
    ages: Tensor
    count: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.norms = release_norms(self.name, list_norms(self.student()))
        self.mixtures = mix_statistics(self)
        for name in ("labels", "ages"):
            self.register_buffer(name, torch.zeros(0, dtype=torch.long))
        self.register_buffer("count", torch.zeros((), dtype=torch.long))
        self.register_buffer("images", torch.zeros(0))
        self.register_buffer("entropies", torch.zeros(0))

    def prepare_target(self, target: Images) -> None:
        """Begin with an empty memory."""
        self._take(torch.zeros(0, device=self.online.device), [])
        self.count = torch.zeros_like(self.count)
        super().prepare_target(target)

    def forward(self, batch: Batch | TargetBatch, progress: Scalar) -> Losses:
        """Return the weighted cross-entropy of the student with the teacher on the memory."""
        x = batch.target.x
        with torch.no_grad():
            logits = self.teacher(x).float()
        self.keep(batch.target, logits)
        self._pool = torch.cat([self.images, x]) if len(self.labels) else x
        self._slots = self._remember(logits)
        self._due = int(self.count) // self.hp.every < (int(self.count) + len(x)) // self.hp.every
        if not self._due:
            return {"consistency": logits.sum() * 0}
        return {"consistency": self._learn()}

    def _remember(self, logits: Float[Tensor, "b k"]) -> list[Slot]:
        """Return the memory after the images of a batch came, one after the other."""
        held = zip(self.labels.tolist(), self.entropies.tolist(), self.ages.tolist(), strict=True)
        slots = [Slot(place, *about) for place, about in enumerate(held)]
        found = zip(logits.argmax(1).tolist(), prediction_entropy(logits).tolist(), strict=True)
        for place, about in enumerate(found, start=len(slots)):
            slots = add_image(slots, Slot(place, *about), self.hp.capacity, self.classes)
        return slots

    def _learn(self) -> Float[Tensor, ""]:
        places = torch.tensor([slot.place for slot in self._slots])
        x = self._pool[places.to(self._pool.device)]
        with mixing(self.mixtures, self.hp.share if self.training else None):
            with torch.no_grad():
                teacher = self.teacher(x).float().softmax(1)
            log_p = self.student()(self.view(x)).float().log_softmax(1)
        ages = torch.tensor([slot.age for slot in self._slots]).to(log_p)
        weights = (-ages / self.hp.capacity).sigmoid()
        return (weights * -(teacher * log_p).sum(1)).mean()

    @torch.no_grad()
    def after_step(self) -> None:
        """Store predictions and memory; after a step, move the teacher and all statistics."""
        super().after_step()
        self.count = self.count + len(self._seen[0])
        self._take(self._pool, self._slots)
        if not self._due:
            return
        self.move_teacher()
        for norm, mixture in self.mixtures:
            assert mixture.mixed is not None
            for held, mixed in zip(held_statistics(norm), mixture.mixed, strict=True):
                held.copy_(mixed)

    def _take(self, pool: Shaped[Tensor, "..."], slots: list[Slot]) -> None:
        """Let the memory hold some images of a pool."""
        device = pool.device
        self.images = pool[
            torch.tensor([slot.place for slot in slots], dtype=torch.long).to(device)
        ]
        self.labels = torch.tensor([slot.label for slot in slots], dtype=torch.long).to(device)
        self.ages = torch.tensor([slot.age for slot in slots], dtype=torch.long).to(device)
        self.entropies = torch.tensor([slot.entropy for slot in slots]).to(device)
