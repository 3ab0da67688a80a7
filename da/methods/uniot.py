"""Unified optimal transport: common classes and private clusters of the target."""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from da.config.limits import AMOUNT, COUNT, POSITIVE, UNIT
from da.config.ranges import Choice, LogUniform, Uniform
from da.data.batch import Unlabeled
from da.data.domain import Images, LabeledImages
from da.methods._adaptive_filling import Plan, adapt_plan
from da.methods._cosine_head import Cosine, build_cosine_head
from da.methods._memory import Memory
from da.methods._neighbors import compare_targets
from da.methods.base import Batch, Losses, Method, Network, Scalar
from da.ops.precision import upcast
from da.ops.transport import sinkhorn


class UniOT(Method):
    """Move target images to the prototypes of classes, where it is cheap, and to clusters.

    Images that a plan of transport moves confidently learn their class, and all learn the cluster
    of their nearest neighbor. An image is unknown where the plan moves little of it.
    """

    paper = "Chang et al. 2022, arXiv:2210.17067"
    family = "universal"

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the authors' code for Office-31.

        Differs from that code: a memory of all target images, in evaluation mode, stands in for a
        queue of the latest; what fills a batch is taken in turn where the code draws it; source
        images are not drawn evenly by class; the class of an image is that of its logits.
        """

        trade_off: Annotated[float, LogUniform(0.01, 1), AMOUNT] = 0.1
        """Weight of both target losses, lambda in the paper; 0 for no adaptation."""
        temperature: Annotated[float, LogUniform(0.01, 1), POSITIVE] = 0.1
        """Temperature of the cosines with prototypes of classes and clusters."""
        clusters: Annotated[int, Choice(50, 150, 500, 1000), COUNT] = 50
        """Number of target clusters, K in the paper."""
        closeness: Annotated[float, Uniform(0.5, 0.9), UNIT] = 0.7
        """Cosine with a prototype from which an image may be of a class, gamma in the paper.
        As many images as are closer are filled in, or fewer, so that both kinds are half.
        """
        inertia: Annotated[float, Uniform(0.5, 1), UNIT] = 0.7
        """Share of the classes' masses that a step keeps, mu in the paper; 1 for even masses."""
        filled: Annotated[int, Choice(500, 1000, 2000, 5000), COUNT] = 2000
        """Most remembered images that are moved together with a batch."""
        warm_up: Annotated[float, Uniform(0, 0.2), UNIT] = 0.01
        """Share of the training before common classes are sought."""

    hp: Hparams
    judges_together: ClassVar[bool] = True
    """Images are unknown by comparison with others that are tested, not each alone."""
    _seen: Unlabeled
    _mass: Tensor | None
    mass: Tensor

    def __init__(self, hp: Hparams, backbone: nn.Module, classes: int, network: Network):
        super().__init__(hp, backbone, classes, network)
        self.head = build_cosine_head(network, self.width, classes, hp.temperature)
        self.clusters = Cosine(nn.Linear(self.width, hp.clusters).weight, hp.temperature)
        self.memory = Memory(self.width, classes)
        self.register_buffer("mass", torch.full((classes,), 1 / classes))

    def prepare(self, source: LabeledImages, target: Images) -> None:
        """Remember the features of all target images."""
        self.memory.fill(self, target)

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy, and the losses of clusters and of common classes."""
        self._seen, self._mass = batch.target, None
        f_s, f_t = self.features(batch)
        z, common = self.head(f_t), f_t.new_zeros(())
        if progress > self.hp.warm_up:
            common = self.common_loss(f_t.detach(), z, batch.target.index)
        return {
            "task": self.task_loss(self.head(f_s), batch.source.y),
            "clusters": self.hp.trade_off * self.cluster_loss(f_t, batch.target.index),
            "common": self.hp.trade_off * common,
        }

    def cluster_loss(self, f: Float[Tensor, "m d"], index: Int[Tensor, "m"]) -> Float[Tensor, ""]:
        """Compute the loss of private class discovery (Chang et al. 2022).

        Images, their nearest neighbors and some remembered ones are assigned evenly to clusters.
        An image learns its own cluster and its neighbor's, and the neighbor learns the image's.

        Args:
            f: Features of the batch's target images.
            index: Their positions in the target.
        """
        cosines, unit = compare_targets(f, self.memory, index)
        more = self.recall(index, self.hp.clusters)
        own, near = self.clusters(f), self.clusters(unit[cosines.argmax(1)])
        every = torch.cat([own, near, self.clusters(more)]).detach()
        with torch.autocast(f.device.type, enabled=False):
            plan = sinkhorn(-every * self.hp.temperature, 0.05, max_iterations=3)
        q, q_near, _ = (plan / plan.sum(1, keepdim=True)).split([len(f), len(f), len(more)])
        swapped = F.cross_entropy(own, q_near) + F.cross_entropy(near, q)
        return (F.cross_entropy(own, q) + swapped / 2) / 2

    def common_loss(
        self, f: Float[Tensor, "m d"], logits: Float[Tensor, "m k"], index: Int[Tensor, "m"]
    ) -> Float[Tensor, ""]:
        """Compute the loss of common class detection (Chang et al. 2022).

        Args:
            f: Features of the batch's target images, detached.
            logits: Their class logits, which learn.
            index: Their positions in the target.
        """
        more = self.recall(index, min(self.hp.filled, len(self.memory.f)))
        plan = self.plan(torch.cat([more, F.normalize(upcast(f))]))
        self._mass = plan.masses()
        sure, y = plan.confident(len(more))
        each = F.cross_entropy(logits, y, reduction="none")
        return (each * sure).sum() / sure.sum().clamp_min(1)

    def recall(self, index: Int[Tensor, "m"], count: int) -> Float[Tensor, "_ d"]:
        """Return the features of some remembered images, evenly spaced from the batch's first."""
        size = len(self.memory.f)
        steps = torch.arange(count, device=index.device) * size // count
        return self.memory.f[(index[:1] + steps) % size]

    @torch.no_grad()
    def plan(self, unit: Float[Tensor, "b d"]) -> Plan:
        """Move images, by unit features, to the prototypes of the classes."""
        head = self.head[-1]
        assert isinstance(head, Cosine)
        with torch.autocast(unit.device.type, enabled=False):
            return adapt_plan(unit, head.prototypes(), self.mass, self.hp.closeness)

    def after_step(self) -> None:
        """Remember the step's target images, and move the masses of the classes."""
        self.memory.update(self, self._seen)
        if self._mass is not None:
            self.mass = self.mass.lerp(self._mass, 1 - self.hp.inertia)

    def score_unknown(
        self, f: Float[Tensor, "b d"], logits: Float[Tensor, "b k"]
    ) -> Float[Tensor, "b"]:
        """Compare the most that the plan moves of each image to a class with an even share."""
        return 1 / (1 + self.plan(F.normalize(f)).confidence(0))
