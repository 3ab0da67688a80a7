"""Judge choosers by what they reach on pools of evaluations."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean

import numpy as np

from da.results import choosers
from da.results.aggregate import ORACLE
from da.results.choosers import GATE, JOIN, find_best, score_points
from da.results.record_schema import LABELED, find_key
from da.selection.pools import Pool
from da.selection.rank_correlation import weighted_spearman

TOGETHER = "entropy", "infomax", "bnm"
"""Scores whose mean rank is a chooser of every study."""

RESAMPLES = 2000
"""Number of resamples of the bootstrap."""


@dataclass(frozen=True)
class Verdict:
    """What a chooser reaches on pools, in percent."""

    name: str
    """Name of the chooser, or of what others are measured by."""
    pools: Sequence[Pool]
    """Pools that it chose from."""
    picked: Sequence[float]
    """Accuracy of what it chose, by pool."""
    labels: Sequence[str] = ()
    """Row of what it chose, by pool."""
    correlations: Sequence[float] = ()
    """Weighted rank correlation of its scores with accuracies, by pool; NaN where undefined."""

    @property
    def title(self) -> str:
        """Name, with a mark if target labels choose."""
        return mark_chooser(self.name)

    @property
    def mean(self) -> float:
        """Mean accuracy of what it chose."""
        return fmean(self.picked)

    @property
    def worst(self) -> float:
        """Lowest accuracy that it chose."""
        return min(self.picked)

    @property
    def regret(self) -> float:
        """Mean of what the best choice would have reached beyond it."""
        return fmean(max(pool.accuracies) for pool in self.pools) - self.mean

    @property
    def below(self) -> float | None:
        """Percentage of pools with a choice worse than source_only; None where that is unknown."""
        pairs = zip(self.picked, self.pools, strict=True)
        worse = [p < pool.baseline for p, pool in pairs if pool.baseline is not None]
        return 100 * fmean(worse) if worse else None

    @property
    def correlation(self) -> float | None:
        """Mean weighted rank correlation over pools where it is defined; None for none."""
        found = [value for value in self.correlations if np.isfinite(value)]
        return fmean(found) if found else None

    @property
    def favorite(self) -> tuple[str, int]:
        """Row that it chose most often, and how often; an empty name for none."""
        return Counter(self.labels).most_common(1)[0] if self.labels else ("", 0)

    @cached_property
    def interval(self) -> tuple[float, float]:
        """Percentile bootstrap interval (95 %) of the mean, over tasks; over pools for one task."""
        tasks = [pool.task for pool in self.pools]
        several = len({*tasks}) > 1
        groups = [tasks.index(task) if several else i for i, task in enumerate(tasks)]
        count = np.bincount(groups)
        total, count = np.bincount(groups, self.picked)[count > 0], count[count > 0]
        drawn = np.random.default_rng(0).integers(len(count), size=(RESAMPLES, len(count)))
        means = total[drawn].sum(1) / count[drawn].sum(1)
        low, high = np.percentile(means, (2.5, 97.5))
        return float(low), float(high)


def mark_chooser(name: str) -> str:
    """Return the name of a chooser, with a mark if target labels choose."""
    return f"{name} {ORACLE}" if name in LABELED else name


def list_choosers(scores: Sequence[str]) -> list[str]:
    """List each score, each behind the gate, and the mean rank of `TOGETHER`, as far as known."""
    together = JOIN.join(TOGETHER)
    names = [*scores, *[together] * ({*TOGETHER} <= {*scores})]
    gated = [f"{name}{JOIN}{GATE}" for name in names if name != choosers.GATED_BY]
    return [*names, *gated] if choosers.GATED_BY in scores else names


def known_scores(pools: Sequence[Pool]) -> tuple[list[str], list[str]]:
    """List the scores that choose in every pool, and those that only some pools have.

    An evaluation without a score is never chosen by it, but one of its pool has to have it.
    """
    known = [{key for point in pool.points for key in point if "/" not in key} for pool in pools]
    every = dict.fromkeys(key for pool in pools for point in pool.points for key in point)
    named = [k for k in every if "/" not in k and k not in ("step", "target_accuracy", *LABELED)]
    shared = set.intersection(*known)
    return [k for k in named if k in shared], [k for k in named if k not in shared]


def known_labeled(pools: Sequence[Pool]) -> list[str]:
    """List what chooses by target labels in every pool."""
    keys = {name: find_key(name, {}) for name in LABELED}
    return [
        name
        for name, key in keys.items()
        if all(any(key in point for point in pool.points) for pool in pools)
    ]


def judge(pools: Sequence[Pool], name: str) -> Verdict:
    """Let a chooser choose in each pool, and return what came of it."""
    picks, correlations = [], []
    for pool in pools:
        scores = score_points(pool.points, name)
        picks.append(pool.candidates[find_best(scores)])
        correlations.append(
            weighted_spearman(np.array(scores, float), np.array(pool.accuracies, float))
        )
    picked = [pick.point["target_accuracy"] for pick in picks]
    return Verdict(name, pools, picked, [pick.label for pick in picks], correlations)


def frame(pools: Sequence[Pool]) -> list[Verdict]:
    """Return what choosers are measured by: choices by target labels, baseline, the pools' means.

    The baseline, source_only, is there where it is known for all pools.
    """
    best = [max(range(len(p.candidates)), key=p.accuracies.__getitem__) for p in pools]
    labels = [p.candidates[i].label for p, i in zip(pools, best, strict=True)]
    found = [Verdict("oracle", pools, [max(p.accuracies) for p in pools], labels)]
    if "few_shot" in known_labeled(pools):
        found.append(judge(pools, "few_shot"))
    baselines = [pool.baseline for pool in pools if pool.baseline is not None]
    if len(baselines) == len(pools):
        found.append(Verdict("source_only", pools, baselines))
    return [*found, Verdict("mean of the pool", pools, [fmean(p.accuracies) for p in pools])]
