"""Means over tasks and seeds with 95 % intervals. Values are NaN where a run is missing.

A seed is shared by all tasks, as a first head is, so that the means of single seeds are the units
of an interval over seeds. A bootstrap within tasks takes the tasks of a seed for independent, and
covers far less than it says. `tests/statistics/test_coverage.py` measures both.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.special import stdtrit

LEVEL = 0.95
"""Share of repetitions in which an interval is to hold the true number."""

TRIMMED = 0.25
"""Share of runs that an interquartile mean leaves out at either end."""

Values = Float[np.ndarray, "tasks seeds"]


class Interval(NamedTuple):
    """Ends of an interval."""

    low: float
    high: float


def mean(values: Values) -> float:
    """Return the mean over tasks of the means over seeds."""
    return float(_means(values).mean())


def over_seeds(values: Values) -> Interval | None:
    """Return the interval of the mean on the same tasks with other seeds.

    It is Student's, of the means over tasks of those seeds that have all tasks. None for fewer than
    two such seeds.
    """
    return _around(mean(values), *_error_over_seeds(values))


def over_tasks(values: Values) -> Interval | None:
    """Return the interval of the mean on other tasks like these, with other seeds.

    Tasks and seeds are both random. The variances of their means add up, without what both have
    of single runs, and the degrees of freedom are Satterthwaite's (1946). With one seed, tasks
    alone are. None for one task.
    """
    return _around(mean(values), *_error_over_tasks(values, len(values)))


def interquartile_mean(values: Values) -> float:
    """Return the mean of the middle half of all runs (Agarwal et al. 2021)."""
    return float(_middle_half(values).mean())


def interquartile_over_seeds(values: Values) -> Interval | None:
    """Return the interval of the interquartile mean on the same tasks with other seeds."""
    return _around(interquartile_mean(values), *_error_over_seeds(_winsorized(values)))


def interquartile_over_tasks(values: Values) -> Interval | None:
    """Return the interval of the interquartile mean on other tasks like these, with other seeds.

    It is that of Tukey and McLaughlin (1963): of runs beyond the middle half, moved to its ends.
    """
    inside = len(values) - 2 * int(TRIMMED * len(values))
    return _around(interquartile_mean(values), *_error_over_tasks(_winsorized(values), inside))


def complete_seeds(values: Values) -> Float[np.ndarray, "tasks complete"]:
    """Return the columns of the seeds that have all tasks."""
    return values[:, ~np.isnan(values).any(0)]


def _around(middle: float, error: float, freedom: float) -> Interval | None:
    if not freedom >= 1:
        return None
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Interval(middle - half, middle + half)


def _error_over_seeds(values: Values) -> tuple[float, float]:
    """Return the standard error over seeds and its degrees of freedom, 0 for none."""
    full = complete_seeds(values)
    count = full.shape[1]
    if count < 2:
        return 0.0, 0.0
    each = full.sum(0) / len(full)
    apart = each - each.sum() / count  # in a third of the time of `std`, which tables call often
    return float((apart**2).sum() / (count - 1) / count) ** 0.5, count - 1.0


def _error_over_tasks(values: Values, inside: int) -> tuple[float, float]:
    """Return the standard error over tasks and seeds, and its degrees of freedom, 0 for none.

    Args:
        values: Numbers of all runs.
        inside: Number of tasks that count, which is lower where some are trimmed.
    """
    if inside < 2:
        return 0.0, 0.0
    tasks = float(_means(values).var(ddof=1)) / len(values)
    common, single, seeds = seed_variances(values)
    if common <= single:
        return tasks**0.5, inside - 1.0
    rest = (len(values) - 1) * (seeds - 1)
    parts = (tasks, inside - 1), (common, seeds - 1), (single, rest)
    whole = tasks + common - single
    freedom = whole**2 / sum(part**2 / own for part, own in parts)
    return whole**0.5, max(freedom, 1.0)


def seed_variances(values: Values) -> tuple[float, float, int]:
    """Return how the mean varies with seeds, what single runs have of that, and how many seeds.

    What the first has more is shared by the tasks of a seed. Both are 0 for fewer than two seeds
    that have all tasks, or for one task.
    """
    full = complete_seeds(values)
    tasks, seeds = full.shape
    if min(tasks, seeds) < 2:
        return 0.0, 0.0, seeds
    means = full.mean(0)
    rest = full - means - full.mean(1, keepdims=True) + full.mean()
    single = float((rest**2).sum()) / ((tasks - 1) * (seeds - 1)) / (tasks * seeds)
    return float(means.var(ddof=1)) / seeds, single, seeds


def _means(values: Values) -> Float[np.ndarray, "tasks"]:
    """Return the mean of each task over the seeds that it has, as `nanmean` in less time."""
    known = ~np.isnan(values)
    return np.where(known, values, 0.0).sum(1) / known.sum(1)


def _middle_half(values: Values) -> Float[np.ndarray, "inside"]:
    ordered = np.sort(values[~np.isnan(values)])
    cut = int(TRIMMED * len(ordered))
    return ordered[cut : len(ordered) - cut]


def _winsorized(values: Values) -> Values:
    """Return runs moved to the ends of the middle half, in units of its mean."""
    inside = _middle_half(values)
    kept = len(inside) / (~np.isnan(values)).sum()
    return np.clip(values, inside[0], inside[-1]) / kept
