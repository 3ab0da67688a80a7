"""Friedman's test and critical differences."""

import numpy as np
import pytest
from scipy import stats

from da.statistics.ranks import critical_difference, friedman_p_value, group_ranks, rank_rows
from tests.statistics.made_up import ROWS

TIED = ROWS.round(-1)


@pytest.mark.parametrize("rows", [ROWS, TIED])
def test_ranks_and_their_test_are_those_of_scipy(rows):
    np.testing.assert_allclose(rank_rows(rows), stats.rankdata(-rows, axis=0))
    assert friedman_p_value(rows) == pytest.approx(stats.friedmanchisquare(*rows).pvalue)


def test_equal_rows_have_no_difference():
    assert friedman_p_value(np.ones((3, 4))) == 1


@pytest.mark.parametrize("rows", [2, 4, 36])
def test_the_critical_difference_is_that_of_the_studentized_range(rows):
    quantile = stats.studentized_range.ppf(0.95, rows, np.inf)
    expected = quantile / 2**0.5 * (rows * (rows + 1) / (6 * 20)) ** 0.5
    assert critical_difference(rows, 20) == pytest.approx(expected, rel=1e-4)


def test_autorank_has_the_same_critical_difference():
    """Numbers of autorank 1.3.0 with nonparametric tests; its wheel brings a package `tests`."""
    assert critical_difference(*ROWS.shape) == pytest.approx(1.3539901117, rel=1e-3)
    assert friedman_p_value(ROWS) == pytest.approx(2.8521548909529316e-06)


def test_groups_are_the_largest_of_rows_that_are_less_apart():
    assert group_ranks(np.array([1.0, 2, 3, 5, 5.5, 9]), 2.0) == [(0, 2), (2, 3), (3, 4)]
