"""How likely source images are target images, by a classifier that did not learn from them."""

import math
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int
from torch import Tensor

from da.evaluation.predictions import Predictions
from da.evaluation.selectors._features import draw_features, draw_rows
from da.ops.logistic import fit_logistic

STRENGTH = 0.1
"""Penalty of the classifier, for features whose mean squared distance from their mean is 1.

Of powers of ten, it has the least loss on the other half, on features of emoji.
"""


@dataclass(frozen=True)
class DomainRatio:
    """Logarithm of the density of the target over that of the source, at images."""

    source: Float[Tensor, "a"]
    """At images of the source."""
    target: Float[Tensor, "b"]
    """At images of the target."""
    rows: Int[Tensor, "a"]
    """Which rows of the predictions those of the source are."""

    @property
    def weight(self) -> Float[Tensor, "a"]:
        """Density ratio at each source image."""
        return self.source.exp()


_KNOWN: WeakKeyDictionary[Predictions, DomainRatio] = WeakKeyDictionary()


def compare_densities(p: Predictions) -> DomainRatio:
    """Return the density ratio of the domains at their images; NaN where one has one image.

    A logistic regression of the domain is fitted on each half of the images and applied to the
    other half, so that no image is weighed by a classifier that has learned from it. Of each
    domain, at most 2,000 images count. Predictions that were compared before are not again.
    """
    if p not in _KNOWN:
        _KNOWN[p] = _compare(p)
    return _KNOWN[p]


def _compare(p: Predictions) -> DomainRatio:
    source, target = (f.double() for f in draw_features(p))
    found = [torch.full((len(f),), torch.nan, dtype=f.dtype) for f in (source, target)]
    if min(map(len, found)) > 1:
        source, target = _rescale(source, target)
        halves = [(slice(0, len(f), 2), slice(1, len(f), 2)) for f in (source, target)]
        for one, other in ((0, 1), (1, 0)):
            seen = [f[half[one]] for f, half in zip((source, target), halves, strict=True)]
            w = _fit(*seen)
            for f, half, into in zip((source, target), halves, found, strict=True):
                into[half[other]] = f[half[other]] @ w[:-1] + w[-1]
    return DomainRatio(found[0], found[1], draw_rows(len(p.source_y)))


def _rescale(source: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Divide features by their root mean squared distance from their mean."""
    every = torch.cat([source, target])
    size = (every - every.mean(0)).square().sum(1).mean().sqrt().clamp_min(1e-30)
    return source / size, target / size


def _fit(source: Float[Tensor, "a d"], target: Float[Tensor, "b d"]) -> Float[Tensor, "e"]:
    """Return weights and bias of the logarithm of the density ratio."""
    is_target = torch.cat([source.new_zeros(len(source)), source.new_ones(len(target))])
    w = fit_logistic(torch.cat([source, target]), is_target, STRENGTH, 1e-5)
    w[-1] += math.log(len(source) / len(target))
    return w
