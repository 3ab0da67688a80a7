"""The signed-rank test, and which rows are not separable from the best."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from da.statistics.signed_rank import adjust_holm, signed_rank_p_value


def test_without_ties_it_is_that_of_scipy():
    for apart in np.random.default_rng(1).normal(0.5, 1, (3, 20)):
        theirs = stats.wilcoxon(apart, method="exact").pvalue
        assert signed_rank_p_value(apart) == pytest.approx(theirs)


def test_with_ties_it_counts_all_signs_of_the_ranks():
    apart = np.array([1.0, 1.0, -1.0, 2.0, 2.0, 2.0, 0.1 + 0.2 - 0.3, 3.0, -3.0])
    left = apart[abs(apart) > 1e-9]
    ranks = stats.rankdata(abs(left))
    reached = abs(ranks @ np.sign(left))
    all_signs = [abs(ranks @ signs) >= reached for signs in product((-1, 1), repeat=len(left))]
    assert signed_rank_p_value(apart) == pytest.approx(np.mean(all_signs))
    assert signed_rank_p_value(np.zeros(3)) == 1


def test_holm_multiplies_the_lowest_by_their_number_and_never_falls():
    found = adjust_holm(np.array([0.04, 0.01, 0.011, 0.6]))
    assert found == pytest.approx([0.08, 0.04, 0.04, 0.6])
