"""Ranks of rows over tasks: Friedman's test, and Nemenyi's critical difference."""

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq
from scipy.special import chdtrc, ndtr

from da.statistics.signed_rank import ERROR

Scores = Float[np.ndarray, "rows tasks"]
"""Numbers of all rows on all tasks, better where they are higher."""


def rank_rows(scores: Scores) -> Scores:
    """Return the rank of each row on each task: 1 for the best, mean ranks for ties."""
    above = (scores[None] > scores[:, None]).sum(1)
    equal = (scores[None] == scores[:, None]).sum(1)
    return above + (equal + 1) / 2


def friedman_p_value(scores: Scores) -> float:
    """Return the p-value of no difference between any of the rows (Friedman 1937), with ties."""
    ranks = rank_rows(scores)
    rows, tasks = scores.shape
    spread = ((ranks - (rows + 1) / 2) ** 2).sum()
    if spread == 0:
        return 1.0
    between = ((ranks.mean(1) - (rows + 1) / 2) ** 2).sum()
    return float(chdtrc(rows - 1, tasks**2 * (rows - 1) * between / spread))


def critical_difference(rows: int, tasks: int) -> float:
    """Return how far mean ranks have to be apart (Nemenyi 1963, as in Demsar 2006)."""
    quantile = brentq(lambda q: _chance_of_range(q, rows) - (1 - ERROR), 0.1, 20)
    return float(quantile / 2**0.5 * (rows * (rows + 1) / (6 * tasks)) ** 0.5)


def group_ranks(means: Float[np.ndarray, "rows"], apart: float) -> list[tuple[int, int]]:
    """Return first and last place of each largest group of rows that are less apart.

    Args:
        means: Mean ranks, ascending.
        apart: Critical difference.
    """
    last = [int(np.searchsorted(means, first + apart, "right")) - 1 for first in means]
    groups = [(i, j) for i, j in enumerate(last) if j > i]
    return [(i, j) for i, j in groups if not any(a < i and j <= b for a, b in groups)]


def _chance_of_range(width: float, count: int) -> float:
    """Return how likely so many normal numbers lie within a width, the largest to the smallest."""
    x = np.linspace(-8, 8, 2001)
    density = np.exp(-(x**2) / 2) / (2 * np.pi) ** 0.5
    return float(np.trapezoid(count * density * (ndtr(x) - ndtr(x - width)) ** (count - 1), x))
