"""Moment matching for multi-source domain adaptation."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.limits import AMOUNT, FEW, WHOLE
from da.config.ranges import IntRange, LogUniform
from da.methods._several_sources import each_cross_entropy, source_weights, task_weights
from da.methods.base import Batch, Losses, Method, Phase, Scalar
from da.methods.mcd import MCD
from da.models.network import build_head
from da.ops.precision import upcast


class M3SDA(MCD):
    """Match moments of the features of all pairs of domains, with a pair of heads for each source.

    This is the paper's version beta: heads and features then play against each other, as in MCD.
    Predictions are the mean of all heads. Labeled target images are learned by every head. Raises
    ValueError where there is neither a neck nor a backbone to learn.
    """

    paper = "Peng et al. 2019, arXiv:1812.01754"
    family = "multi-source"
    takes_domains = True
    batchable = ("trade_off",)  # type: ignore[assignment]

    @dataclass(frozen=True)
    class Hparams(Method.Hparams):
        """Settings of the paper; the weight of the moments is that of the authors' code.

        Differs from the paper: all heads have the same vote, as in Dassl, where moments weigh 0.5.
        The paper weighs heads by how well each source does alone. The authors' code has one pair of
        heads for all sources.
        """

        backbone_steps: Annotated[int, IntRange(1, 4), WHOLE] = 4
        """Repeats of step C of MCD: features move to where heads agree; 0 for none."""
        trade_off: Annotated[float, LogUniform(0.0001, 1), AMOUNT] = 0.0005
        """Weight of the distance of moments, lambda in the paper; 0 for heads alone."""
        moments: Annotated[int, IntRange(1, 5), FEW] = 2
        """Number of moments that are matched."""

    hp: Hparams  # type: ignore[assignment]

    def take_domains(self, count: int) -> None:
        """Add a pair of heads for each source but the first, which has those of MCD."""
        heads = [build_head(self.network, self.width, self.classes) for _ in range(2 * count - 2)]
        self.more = nn.ModuleList(heads)

    @property
    def pairs(self) -> list[tuple[nn.Module, nn.Module]]:
        """The two heads of each source."""
        more = [*self.more]
        return [(self.head, self.rival), *zip(more[::2], more[1::2], strict=True)]

    def phases(self) -> Iterator[Phase]:
        """Return the steps of MCD, of which the second moves all heads."""
        first, second, *others = super().phases()
        yield first
        yield second._replace(updates=[*second.updates, *self.more.parameters()])
        yield from others

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step A: heads learn their sources, and features match."""
        f_s, f_t = self.features(batch)
        own = source_weights(batch.source, len(self.pairs))
        distance = moment_distance(f_s, f_t, own, self.hp.moments)
        return {**self._learn(f_s, batch), "moments": self.hp.trade_off * distance}

    def disagree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the losses of step B: heads learn their sources, and to disagree on the target."""
        with torch.no_grad():
            f_s, f_t = self.features(batch)
        return {**self._learn(f_s, batch), "disagree": -self._gap(f_t)}

    def agree(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the loss of step C: target features move to where the heads agree."""
        f_t = self.embed(batch.target.x) if self._alone else self.features(batch)[1]
        return {"agree": self._gap(f_t)}

    def _learn(self, f_s: Float[Tensor, "n d"], batch: Batch) -> Losses:
        weights = task_weights(batch.source, len(self.pairs)) / len(self.pairs)
        y, smoothing = batch.source.y, self.network.label_smoothing
        heads = dict(zip(("task", "task_rival"), zip(*self.pairs, strict=True), strict=True))
        return {
            name: (weights * _stacked(each, f_s, y, smoothing)).sum()
            for name, each in heads.items()
        }

    def _gap(self, f_t: Float[Tensor, "m d"]) -> Float[Tensor, ""]:
        gaps = [(h(f_t).softmax(1) - r(f_t).softmax(1)).abs().mean() for h, r in self.pairs]
        return torch.stack(gaps).mean()

    def _ensemble(self, f: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Return the logarithm of the mean prediction of all heads."""
        each = torch.stack([head(f) for pair in self.pairs for head in pair])
        return upcast(each).log_softmax(2).logsumexp(0)


def _stacked(heads: tuple[nn.Module, ...], f: Tensor, y: Tensor, smoothing: float) -> Tensor:
    return torch.stack([each_cross_entropy(head(f), y, smoothing) for head in heads])


def moment_distance(
    f_s: Float[Tensor, "n d"], f_t: Float[Tensor, "m d"], own: Float[Tensor, "s n"], moments: int
) -> Float[Tensor, ""]:
    """Return the distance of all pairs of domains in their moments (Peng et al. 2019, eq. 1).

    For each order, it is the mean distance of a source and the target, plus the mean distance of
    two sources, where there are two.

    Args:
        f_s: Features of source images.
        f_t: Features of target images.
        own: Weights that average the images of each source.
        moments: Number of moments, from the mean on.
    """
    with torch.autocast(f_s.device.type, enabled=False):
        f_s, f_t, own = upcast(f_s), upcast(f_t), upcast(own)
        i, j = torch.triu_indices(len(own), len(own), 1, device=own.device)
        total = f_s.new_zeros(())
        for order in range(1, moments + 1):
            sources, target = own @ f_s.pow(order), f_t.pow(order).mean(0)
            total = total + (sources - target).norm(dim=1).mean()
            if len(own) > 1:
                total = total + (sources[i] - sources[j]).norm(dim=1).mean()
        return total
