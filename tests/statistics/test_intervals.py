"""Intervals of means over tasks and seeds."""

import numpy as np
import pytest
from scipy import stats

from da.statistics import intervals
from tests.statistics.made_up import TABLE


def test_over_seeds_it_is_students_of_the_means_of_seeds():
    theirs = stats.ttest_1samp(TABLE.mean(0), 0).confidence_interval(0.95)
    assert intervals.over_seeds(TABLE) == pytest.approx((theirs.low, theirs.high))


def test_a_seed_without_all_tasks_counts_in_the_mean_alone():
    holed = TABLE.copy()
    holed[0, 0] = np.nan
    found = intervals.over_seeds(holed)
    error = stats.sem(TABLE[:, 1:].mean(0)) * stats.t(TABLE.shape[1] - 2).ppf(0.975)
    middle = np.nanmean(holed, 1).mean()
    assert found == pytest.approx((middle - error, middle + error))


def test_there_is_none_of_one_seed_or_one_task():
    assert intervals.over_seeds(TABLE[:, :1]) is None
    assert intervals.over_tasks(TABLE[:1]) is None
    assert intervals.interquartile_over_tasks(TABLE[:1]) is None


def test_with_one_seed_tasks_alone_are_random():
    theirs = stats.ttest_1samp(TABLE[:, 0], 0).confidence_interval(0.95)
    assert intervals.over_tasks(TABLE[:, :1]) == pytest.approx((theirs.low, theirs.high))


def test_what_seeds_share_over_all_tasks_widens_the_interval_over_tasks():
    shared = TABLE + np.array([-9.0, 0, 9, 3, -3])
    tasks, seeds = TABLE.shape
    rest = shared - shared.mean(0) - shared.mean(1, keepdims=True) + shared.mean()
    single = (rest**2).sum() / ((tasks - 1) * (seeds - 1))
    variance = {
        tasks - 1: shared.mean(1).var(ddof=1) / tasks,
        seeds - 1: shared.mean(0).var(ddof=1) / seeds,
        (tasks - 1) * (seeds - 1): -single / (tasks * seeds),
    }
    whole = sum(variance.values())
    freedom = whole**2 / sum(part**2 / n for n, part in variance.items())
    half = stats.t(freedom).ppf(0.975) * whole**0.5
    found = intervals.over_tasks(shared)
    assert found == pytest.approx((shared.mean() - half, shared.mean() + half))
    assert found.high - found.low > np.diff(intervals.over_tasks(TABLE))[0]


def test_the_interquartile_mean_is_the_trimmed_mean_of_all_runs():
    assert intervals.interquartile_mean(TABLE) == pytest.approx(stats.trim_mean(TABLE, 0.25, None))


def test_its_interval_over_tasks_is_that_of_tukey_and_mclaughlin():
    column = TABLE[:, :1]
    ends = stats.mstats.winsorize(column[:, 0], limits=(0.25, 0.25))
    kept = len(column) - 2 * int(len(column) / 4)
    error = ends.std(ddof=1) / (kept / len(column)) / len(column) ** 0.5
    half = stats.t(kept - 1).ppf(0.975) * error
    middle = stats.trim_mean(column, 0.25, None)
    assert intervals.interquartile_over_tasks(column) == pytest.approx(
        (middle - half, middle + half)
    )


def test_seeds_of_tasks_at_the_ends_do_not_move_the_interquartile_mean():
    wild = np.array([[0.0, 9.0], [20, 21], [22, 23], [90, 60.0]])
    still = np.array([[0.0, 0.0], [20, 21], [22, 23], [90, 90.0]])
    assert intervals.interquartile_over_seeds(wild) == intervals.interquartile_over_seeds(still)
