"""Which rows are not separable from the best."""

import numpy as np
import pytest

from da.statistics.separable import can_separate, find_not_separable
from da.statistics.signed_rank import adjust_holm, signed_rank_p_value
from tests.statistics.made_up import ROWS

ONE_SEED = [row[:, None] for row in ROWS]


def test_rows_alike_stay_together_and_others_do_not():
    assert find_not_separable(ONE_SEED[:3]) == [False, False, True]
    assert find_not_separable(ONE_SEED[:2]) == [True, True]


def test_a_row_that_is_above_the_best_on_most_tasks_stays_beside_it():
    tasks = np.arange(12.0)[:, None]
    lucky = tasks + np.array([-1.0] * 11 + [500.0])[:, None]
    assert find_not_separable([lucky, tasks]) == [True, True]


def test_one_task_tells_nothing():
    assert find_not_separable([np.array([[1.0, 2.0]]), np.array([[8.0, 9.0]])]) == [True, True]


def test_six_tasks_tell_two_rows_apart_and_never_three():
    assert can_separate(2, 6)
    assert not can_separate(3, 6)
    better = np.arange(6.0)[:, None]
    noise = np.array([0.1, -0.1, 0.2, 0.3, 0.15, -0.3])[:, None]
    assert find_not_separable([better + 9, better + noise]) == [True, False]
    assert find_not_separable([better + 9, better + noise, better - 9]) == [True] * 3


def test_rows_that_fell_leave_more_error_to_the_others():
    rng = np.random.default_rng(3)
    apart = np.array([0.0, 1.5, 20, 21, 22, 23])
    rows = [rng.normal(-gap, 1, (10, 1)) for gap in apart]
    p = signed_rank_p_value((rows[0] - rows[1])[:, 0])
    assert 0.05 / 15 < p < 0.05
    assert find_not_separable(rows[:2]) == [True, False]
    assert find_not_separable(rows) == [True] + [False] * 5


def test_every_pair_of_rows_counts_as_the_data_choose_the_best() -> None:
    rng = np.random.default_rng(0)
    rows = [rng.normal(0, 1, (10, 1)) for _ in range(5)] + [rng.normal(-1.2, 1, (10, 1))]
    found = [signed_rank_p_value((rows[4] - row)[:, 0]) for row in rows]
    assert 0.05 / 15 < min(found) < 0.05 / 5
    assert find_not_separable(rows) == [True] * 6


def test_what_seeds_share_keeps_rows_together():
    rng = np.random.default_rng(0)
    low = rng.normal(60, 9, (20, 1)) + rng.normal(0, 1, (20, 3))
    seeds = np.array([-3.0, 0, 3])
    assert find_not_separable([low + 2 + rng.normal(0, 1, (20, 3)), low]) == [True, False]
    assert find_not_separable([low + 2 + seeds, low - seeds]) == [True, True]


def test_rows_that_seeds_do_not_change_need_no_other_seeds():
    tasks = np.arange(20.0)[:, None]
    still = tasks + np.zeros(3)
    wavering = still - 9 + np.array([-3, 0, 3]) + np.sin(tasks * np.arange(1, 4))
    assert find_not_separable([still, wavering, still - 0.1]) == [True, False, False]


@pytest.mark.slow
def test_of_two_rows_it_is_as_scikit_posthocs_says():
    posthocs = pytest.importorskip("scikit_posthocs")
    theirs = posthocs.posthoc_wilcoxon([*ROWS], p_adjust="holm", sort=False).to_numpy()
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    ours = adjust_holm(np.array([signed_rank_p_value(ROWS[i] - ROWS[j]) for i, j in pairs]))
    for (i, j), p in zip(pairs, ours, strict=True):
        assert p == pytest.approx(theirs[i, j], abs=2e-3)
