"""Which rows of a table are not separable from the best one."""

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtr

from da.statistics.intervals import Values, seed_variances
from da.statistics.signed_rank import ERROR, signed_rank_p_value


def find_not_separable(rows: Sequence[Values]) -> list[bool]:
    """Return which rows are not separable from the one of the highest mean; it is among them.

    A row falls by the larger of two p-values: that of Wilcoxon's signed ranks over tasks, and that
    of a t-test that knows how far seeds move all tasks at once. The data say which row is best, so
    every pair of the rows that are left counts, as by Holm (1979): the error is divided by their
    number. The rows that fall leave step by step, as in sets of Hansen, Lunde and Nason (2011).

    Args:
        rows: Numbers of each row, better where they are higher, on the same tasks.
    """
    means = np.array([np.nanmean(row, 1) for row in rows])
    best = int(means.mean(1).argmax())
    shared, freedom = _shared_variances(rows)
    found = {
        i: _p_value(means[best] - means[i], shared[best] + shared[i], freedom)
        for i in range(len(rows))
        if i != best
    }
    kept = [True] * len(rows)
    for left, i in zip(range(len(rows), 1, -1), sorted(found, key=found.__getitem__), strict=True):
        if found[i] > ERROR / (left * (left - 1) / 2):
            break
        kept[i] = False
    return kept


def can_separate(rows: int, tasks: int) -> bool:
    """Return whether rows could be separable at all on so many tasks, one better on all."""
    return rows * (rows - 1) / 2 * 2.0 ** (1 - tasks) <= ERROR


def _p_value(apart: np.ndarray, shared: float, freedom: int) -> float:
    """Return the larger p-value of both tests; a single task tells nothing.

    Args:
        apart: Differences of the best row from another on each task.
        shared: Variance of their mean that comes from what seeds share over tasks.
        freedom: Degrees of freedom of that variance.
    """
    if len(apart) < 2:
        return 1.0
    own = apart.var(ddof=1) / len(apart)
    whole = own + shared
    degrees = whole**2 / (own**2 / (len(apart) - 1) + shared**2 / max(freedom, 1)) if whole else 1
    by_t = 2 * float(stdtr(degrees, -apart.mean() / whole**0.5)) if whole else 0.0
    return max(signed_rank_p_value(apart), by_t)


def _shared_variances(rows: Sequence[Values]) -> tuple[list[float], int]:
    """Return the variance of each row's mean that comes from what seeds share over tasks.

    It is estimated from all rows at once that seeds change at all, as single rows have few seeds.
    Next to it stand its degrees of freedom.
    """
    vary = [bool((np.nanmax(row, 1) > np.nanmin(row, 1)).any()) for row in rows]
    each = [seed_variances(row) for row, varies in zip(rows, vary, strict=True) if varies]
    freedom = sum(max(n - 1, 0) for *_, n in each)
    total = sum((common - single) * n * (n - 1) for common, single, n in each)
    one = max(total / freedom, 0.0) if freedom else 0.0
    counts = [float(np.median((~np.isnan(row)).sum(1))) for row in rows]
    shared = [one / n if varies else 0.0 for n, varies in zip(counts, vary, strict=True)]
    return shared, freedom
