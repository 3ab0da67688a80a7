"""Compare two rows: tasks won, probability of improvement, and seeds that a difference takes."""

import numpy as np
from jaxtyping import Float
from scipy.special import nctdtr, ndtri, stdtrit

from da.statistics.intervals import LEVEL, Interval, Values, complete_seeds
from da.statistics.signed_rank import DECIMALS

POWER = 0.8
"""Share of repetitions in which a difference is to be found."""

Others = Float[np.ndarray, "tasks others"]
"""Values of a row that may have other seeds."""

MOST = 1000
"""Largest number of seeds that is told."""


def count_wins(first: Values, second: Others) -> tuple[int, int, int]:
    """Return on how many tasks the mean of the first is higher, equal and lower."""
    apart = np.round(np.nanmean(first, 1) - np.nanmean(second, 1), DECIMALS)
    return int((apart > 0).sum()), int((apart == 0).sum()), int((apart < 0).sum())


def improvement(first: Values, second: Others) -> float:
    """Return how likely a run of the first is above one of the second on the same task.

    A tie counts half, and tasks count alike (Agarwal et al. 2021).
    """
    return float(np.mean([_above(a, b) for a, b in zip(first, second, strict=True)]))


def improvement_over_tasks(first: Values, second: Others) -> Interval:
    """Return the interval of the probability of improvement over tasks (Wilson 1927).

    Tasks have values between 0 and 1, whose variance is at most that of yes and no: the interval
    covers at least what it says.
    """
    share, count, z = improvement(first, second), len(first), float(ndtri((1 + LEVEL) / 2))
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * (share * (1 - share) / count + z**2 / (4 * count**2)) ** 0.5
    return Interval(max(middle - half, 0.0), min(middle + half, 1.0))


def count_seeds(differences: Values, shown: float = 1.0) -> int | None:
    """Return how many seeds show a difference of means in four of five repetitions.

    That is how often its interval over seeds leaves 0 out. None for fewer than two seeds.

    Args:
        differences: Of both rows, on each task with each seed.
        shown: Difference to show, in the unit of the numbers.
    """
    each = complete_seeds(differences).mean(0)
    if len(each) < 2:
        return None
    deviation = float(each.std(ddof=1))
    return next((n for n in range(2, MOST) if _power(n, shown, deviation) >= POWER), MOST)


def profile(values: Values, above: Float[np.ndarray, "n"]) -> Float[np.ndarray, "n"]:
    """Return the share of runs above each number: a performance profile (Agarwal et al. 2021)."""
    there = ~np.isnan(values)
    each = [((values > number) & there).sum(1) / there.sum(1) for number in above]
    return np.array(each).mean(1)


def _above(first: Float[np.ndarray, "seeds"], second: Float[np.ndarray, "others"]) -> float:
    pairs = np.round(first[~np.isnan(first), None] - second[~np.isnan(second)], DECIMALS)
    return float((np.sign(pairs).mean() + 1) / 2)


def _power(seeds: int, shown: float, deviation: float) -> float:
    """Return how likely a t-test of so many seeds finds a difference."""
    if deviation == 0:
        return 1.0
    freedom, shift = seeds - 1, shown * seeds**0.5 / deviation
    limit = float(stdtrit(freedom, (1 + LEVEL) / 2))
    return float(1 - nctdtr(freedom, shift, limit) + nctdtr(freedom, shift, -limit))
