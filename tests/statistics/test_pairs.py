"""Two rows: tasks won, probability of improvement, seeds that are needed."""

import numpy as np
import pytest
from scipy import stats

from da.statistics import pairs
from tests.statistics.made_up import TABLE


def test_wins_ties_and_losses_are_of_means_over_seeds():
    first = np.array([[1.0, 3.0], [2.0, np.nan], [0.1, 0.3]])
    second = np.array([[1.0, 1.0], [3.0, 3.0], [0.2, 0.2]])
    assert pairs.count_wins(first, second) == (1, 1, 1)


def test_the_probability_of_improvement_is_that_of_mann_and_whitney():
    first, second = TABLE.round(0), (TABLE[:, :4] + 1).round(0)
    counts = stats.mannwhitneyu(first, second, axis=1).statistic / (5 * 4)
    assert pairs.improvement(first, second) == pytest.approx(counts.mean())
    holed = np.hstack([first, np.full((8, 1), np.nan)])
    assert pairs.improvement(holed, second) == pytest.approx(counts.mean())


def test_its_interval_is_that_of_a_share_of_tasks():
    first = np.array([[2.0]] * 6 + [[0.0]] * 2)
    theirs = stats.binomtest(6, 8).proportion_ci(0.95, "wilson")
    found = pairs.improvement_over_tasks(first, np.ones((8, 1)))
    assert found == pytest.approx((theirs.low, theirs.high))


def test_a_difference_between_two_deviations_takes_five_seeds_and_a_fifth_many():
    apart = np.array([[-1.0, 0, 1]])  # a deviation of 1, for which statsmodels has 4.2 and 198.2
    assert pairs.count_seeds(2.0 * apart, shown=4.0) == 5
    assert pairs.count_seeds(apart, shown=0.2) == 199
    assert pairs.count_seeds(0 * apart) == 2
    assert pairs.count_seeds(apart[:, :1]) is None


def test_a_profile_is_the_share_of_runs_above_each_number():
    values = np.array([[1.0, 3.0], [5.0, np.nan]])
    found = pairs.profile(values, np.array([0.0, 2, 4, 5]))
    assert found.tolist() == [1.0, 0.75, 0.5, 0.0]
