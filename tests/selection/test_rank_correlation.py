"""Weighted rank correlation, beside the formula by hand and scipy."""

import math

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from da.selection.rank_correlation import weighted_spearman


def by_hand(scores: list[float], accuracies: list[float], power: float) -> float:
    """Sum over pairs of evaluations, as powerful-benchmarker and its library define it."""
    dense = [rankdata(values, method="dense") for values in (scores, accuracies)]
    pairs = zip(*dense, strict=True)
    w = [max(a / dense[0].max(), b / dense[1].max()) ** power for a, b in pairs]

    def ranks(values: list[float]) -> list[float]:
        found = []
        for value in values:
            lower = sum(x for x, other in zip(w, values, strict=True) if other < value)
            equal = [x for x, other in zip(w, values, strict=True) if other == value]
            found.append(lower + (len(equal) + 1) / 2 * sum(equal) / len(equal))
        return found

    x, y = ranks(scores), ranks(accuracies)
    mx, my = (sum(a * b for a, b in zip(w, v, strict=True)) / sum(w) for v in (x, y))
    of = [(a, b - mx, c - my) for a, b, c in zip(w, x, y, strict=True)]
    xy, xx, yy = (sum(a * f(b, c) for a, b, c in of) for f in (
        lambda b, c: b * c, lambda b, c: b * b, lambda b, c: c * c
    ))  # fmt: skip
    return xy / math.sqrt(xx * yy)


@pytest.mark.parametrize("power", [0, 2])
def test_is_the_formula_with_ties(power: int) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, 40).astype(float), rng.integers(0, 9, 40).astype(float)
    expected = by_hand(x.tolist(), y.tolist(), power)
    assert weighted_spearman(x, y, power) == pytest.approx(expected, abs=1e-12)


def test_without_weights_is_spearmans() -> None:
    x, y = np.random.default_rng(1).normal(size=(2, 30))
    assert weighted_spearman(x, y, 0) == pytest.approx(spearmanr(x, y).statistic)


def test_errors_at_the_top_cost_most() -> None:
    y = np.arange(10.0)
    top, bottom = y.copy(), y.copy()
    top[[8, 9]], bottom[[0, 1]] = [9, 8], [1, 0]
    assert weighted_spearman(top, y) < weighted_spearman(bottom, y) < weighted_spearman(y, y)


def test_score_that_is_not_finite_is_the_lowest_and_a_constant_has_no_correlation() -> None:
    y, x = np.array([1.0, 2, 3, 4]), np.array([5.0, 6, 7, 8])
    worst = np.array([5.0, 6, np.nan, 8])
    assert weighted_spearman(worst, y) == weighted_spearman(np.array([5.0, 6, 5, 8]), y)
    assert math.isnan(weighted_spearman(np.full(4, 2.0), y))
    assert math.isnan(weighted_spearman(np.full(4, -np.inf), y))
    assert weighted_spearman(x, y) == pytest.approx(1)
