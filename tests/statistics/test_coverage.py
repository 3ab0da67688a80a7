"""Intervals hold the truth of made-up tables, and rows that are alike stay together.

Sizes of effects are those of our records: tasks differ by 12 points and gains on them by 3, the
tasks of a seed share 0.5 to 0.8 points, and a run has 2 to 3 points of its own.
"""

import numpy as np
import pytest

from da.statistics import intervals
from da.statistics.pairs import improvement_over_tasks
from da.statistics.separable import find_not_separable

pytestmark = pytest.mark.slow
REPEATED = 1200
"""Tables of each kind: a coverage of 95 % is found to 0.6 points."""
CHANCE = 2 * (0.05 * 0.95 / 600) ** 0.5
"""Two deviations of a share of 5 % of 600 tables."""
SIZES = (20, 3), (20, 5), (6, 3)
EFFECTS = {"accuracies": (12, 0.6, 2), "differences": (3, 0.7, 2.7)}


def make(rng, size, effects, rows: int = 1):
    """Make the means of tasks, and numbers of rows that share them with seeds of their own."""
    (tasks, seeds), (of_task, of_seed, of_run) = size, effects
    means = rng.normal(0, of_task, (tasks, 1))
    common = rng.normal(0, 1, (rows, 1, seeds)) * of_seed
    return means, means + common + rng.normal(0, of_run, (rows, tasks, seeds))


def bootstrap(rng, values):
    """The interval that resamples the seeds of each task, and takes these for independent."""
    drawn = rng.integers(0, values.shape[1], (200, *values.shape))
    means = np.take_along_axis(values[None], drawn, 2).mean((1, 2))
    return np.quantile(means, [0.025, 0.975])


def share(size, effects, interval, truth) -> float:
    """Return the share of tables, in percent, whose interval holds the truth."""
    rng = np.random.default_rng(0)
    held = []
    for _ in range(REPEATED):
        means, [values] = make(rng, size, effects)
        low, high = interval(values)
        held.append(low <= truth(means) <= high)
    return 100 * float(np.mean(held))


@pytest.mark.parametrize("effects", EFFECTS)
@pytest.mark.parametrize("size", SIZES, ids=str)
def test_intervals_of_means_hold_the_truth_in_93_to_97_percent(size, effects):
    assert 93 <= share(size, EFFECTS[effects], intervals.over_seeds, np.mean) <= 97
    assert 93 <= share(size, EFFECTS[effects], intervals.over_tasks, lambda _: 0) <= 97


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_those_of_interquartile_means_hold_it_as_often_and_of_few_tasks_more(size):
    interval = intervals.interquartile_over_tasks
    assert 93 <= share(size, EFFECTS["differences"], interval, lambda _: 0) <= 98


def test_a_bootstrap_within_tasks_holds_far_less():
    rng = np.random.default_rng(1)
    covered = share((20, 3), EFFECTS["accuracies"], lambda values: bootstrap(rng, values), np.mean)
    assert covered < 75


@pytest.mark.parametrize(
    ("size", "rows", "of_seed"),
    [((20, 3), 6, 0.0), ((20, 3), 6, 0.7), ((20, 5), 6, 0.7), ((6, 3), 2, 0.7)],
)
def test_rows_alike_are_told_apart_in_five_percent_of_tables_at_most(size, rows, of_seed):
    rng = np.random.default_rng(2)
    wrong = []
    for _ in range(REPEATED // 2):
        _, tables = make(rng, size, (12, of_seed, 2.5), rows)
        own = rng.normal(0, 2, (rows, size[0], 1))
        wrong.append(not all(find_not_separable([*(tables + own)])))
    assert np.mean(wrong) <= 0.05 + CHANCE


def test_the_interval_of_the_probability_of_improvement_holds_one_half_of_rows_alike():
    rng = np.random.default_rng(3)
    held = []
    for _ in range(REPEATED // 2):
        _, pair = make(rng, (20, 3), EFFECTS["differences"], 2)
        low, high = improvement_over_tasks(*(pair + rng.normal(0, 2, (2, 20, 1))))
        held.append(low <= 0.5 <= high)
    assert np.mean(held) >= 0.95
