"""Tasks whose classes come more or less often: long tails, and drawn frequencies of the target."""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from da.config.task_name import TaskName
from da.data.domain import PARTS, Domain, are_same
from da.data.label_sets import order_classes

FACTOR = 100.0
"""How many times more images the most frequent class of `+rsut` has than the rarest."""

Sizes = dict[int, int]
"""Images of each class."""


def change_frequencies(
    name: TaskName, dataset: object, source: Domain, target: Domain
) -> tuple[Domain, Domain]:
    """Return source and target with as many images of each class as the task's name says.

    `+rsut` makes classes rise in the source and fall in the target, along their order; the other
    way around where the data set has `RSUT_FALLS`. `+dirichletALPHA` leaves the source as it is.
    Every role is changed alike. Images of unknown classes stay.

    Args:
        name: The task's name.
        dataset: Module of the data set.
        source: The source domain.
        target: The target domain, with the source's classes.

    Raises:
        ValueError: If the target has no labels, or ALPHA is too small to draw with.
    """
    if not target.is_labeled:
        raise ValueError(f"{name}: the images of {name.target} have no labels to choose them by")
    if are_same(source, target):
        target = replace(target, rows=target.rows | {"target_test": target.rows["source_test"]})
    key = f"{name.benchmark}:{name.domains}{name.data_end}"
    if name.frequencies == "dirichlet":
        share = draw_marginal(key, count_classes(target, target.rows["target_train"]), name.alpha)
        return source, _thinned(target, key, lambda counts: fit_marginal(counts, share))
    order = [source.classes.index(c) for c in order_classes(dataset, source.classes, name.order)]
    falling = bool(getattr(dataset, "RSUT_FALLS", False))
    of_source, of_target = (order, order[::-1]) if falling else (order[::-1], order)
    factor = name.alpha or FACTOR
    return (
        _thinned(source, key, lambda counts: long_tail(counts, of_source, factor)),
        _thinned(target, key, lambda counts: long_tail(counts, of_target, factor)),
    )


def count_classes(domain: Domain, rows: Int[Tensor, "_"]) -> Sizes:
    """Return the number of images of each known class that has some."""
    counts = domain.y[rows].bincount().tolist()[: len(domain.classes)]
    return {c: count for c, count in enumerate(counts) if count}


def long_tail(counts: Mapping[int, int], order: Sequence[int], factor: float) -> Sizes:
    """Return numbers of images that fall exponentially along an order of classes.

    The first class has the mean of the present numbers, and the last one `factor` times fewer, at
    least 1, as in the lists of ISFDA (Li et al. 2021) for VisDA-2017.

    Args:
        counts: Present number of images of each class that has some.
        order: Classes, the most frequent first; those without images do not count.
        factor: Most images of a class over fewest.
    """
    falling = [c for c in order if c in counts]
    mean, last = sum(counts.values()) / max(1, len(falling)), max(1, len(falling) - 1)
    return {c: max(1, _floor(mean * factor ** (-i / last))) for i, c in enumerate(falling)}


def draw_marginal(key: str, counts: Mapping[int, int], alpha: float | None) -> dict[int, float]:
    """Draw the share of each class from a Dirichlet distribution around the present shares.

    Its parameters are alpha times the number of classes times the present shares, as in RLSbench
    (Garg et al. 2023).

    Args:
        key: Text that the draw depends on.
        counts: Present number of images of each class that has some.
        alpha: The smaller, the further from the present shares.

    Raises:
        ValueError: Numbers are too small to draw with.
    """
    assert alpha is not None
    present = np.array([*counts.values()]) / sum(counts.values())
    drawn = _random(key).dirichlet(alpha * len(counts) * present)
    if not np.isfinite(drawn).all():
        raise ValueError(f"{alpha:g} is too small in {key!r}, known: +dirichlet0.3")
    return dict(zip(counts, drawn.tolist(), strict=True))


def fit_marginal(counts: Mapping[int, int], share: Mapping[int, float]) -> Sizes:
    """Return the largest numbers of images that have given shares, without repeating any.

    Args:
        counts: Present number of images of each class that has some.
        share: Share of each class.
    """
    total = _floor(min(n / share[c] for c, n in counts.items() if share.get(c, 0) > 0))
    return {c: _floor(total * share.get(c, 0.0)) for c in counts}


def _thinned(domain: Domain, key: str, sizes: Callable[[Mapping[int, int]], Sizes]) -> Domain:
    rows = {
        part: _choose(
            domain, domain.rows[part], sizes(count_classes(domain, domain.rows[part])), key
        )
        for part in PARTS
    }
    return replace(domain, rows=rows)


def _choose(domain: Domain, rows: Int[Tensor, "_"], sizes: Sizes, key: str) -> Int[Tensor, "_"]:
    """Return rows with given numbers of each class, in their order; of too few, some come twice."""
    y = domain.y[rows]
    kept = [torch.arange(len(rows))[y >= len(domain.classes)]]
    for c, size in sizes.items():
        own = (y == c).nonzero().flatten()
        order = _random(f"{key} {c}").permutation(len(own))
        kept.append(own[torch.from_numpy(np.resize(order, size)).long()])
    return rows[torch.cat(kept).sort().values]


def _floor(x: float) -> int:
    """Round down; a number that rounding has brought just below a whole one is that one."""
    return math.floor(x + 1e-9)


def _random(key: str) -> np.random.RandomState:
    """Build a generator for a text; this kind draws the same numbers in every version of NumPy."""
    seed = int.from_bytes(hashlib.sha256(key.encode()).digest()[:4])
    return np.random.RandomState(seed)
