import numpy as np
import pytest

from da.statistics import expected_accuracy
from da.statistics.expected_accuracy import (
    LIMIT,
    atc,
    doc,
    expect_accuracy,
    expect_agreement,
    log_odds,
)


def authors_threshold(scores: np.ndarray, right: np.ndarray) -> float:
    """As the ATC paper has it: as many source images below as are wrong, tried one by one."""
    wrong = (right == 0).sum()
    return min(scores, key=lambda t: abs((scores < t).sum() - wrong))


def outputs(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of three classes and the true class, drawn from them: calibrated."""
    random = np.random.default_rng(seed)
    p = random.dirichlet([0.5] * 3, n)
    return p, (p.cumsum(1) < random.random((n, 1))).sum(1)


def test_rules_equal_their_formulas_by_hand():
    p, y = outputs(200, 0)
    target, _ = outputs(150, 1)
    right, top, theirs = p.argmax(1) == y, p.max(1), target.max(1)
    odds = log_odds([*p])
    order = odds.argsort()
    source = np.stack([odds[order], right[order].astype(float)], 1)
    expected = (theirs >= authors_threshold(top, right)).mean()
    assert atc(source, log_odds([*target])) == pytest.approx(expected)
    expected = right.mean() - (top.mean() - theirs.mean())
    assert doc(source, log_odds([*target])) == pytest.approx(expected)


def test_log_odds_order_images_where_probabilities_are_all_one():
    found = log_odds([np.float32([1, 1e-20, 0]), np.float32([1, 1e-30, 0]), np.float32([1, 0, 0])])
    assert found[0] < found[1] < found[2] <= LIMIT


def test_calibrated_outputs_are_expected_as_accurate_as_they_are():
    p, y = outputs(500, 2)
    target, theirs = outputs(400, 3)
    odds = log_odds([*p])
    rows = tuple(sorted(zip(odds, (p.argmax(1) == y).astype(float), strict=True)))
    found = expect_accuracy(rows, log_odds([*target]))
    true = 100 * (target.argmax(1) == theirs).mean()
    for rule in found.values():
        assert rule.low < true < rule.high
        assert rule.low < rule.accuracy < rule.high < rule.low + 20


@pytest.mark.slow
def test_the_interval_covers_the_truth_of_calibrated_outputs(monkeypatch):
    monkeypatch.setattr(expected_accuracy, "DRAWS", 200)
    inside = 0
    for seed in range(40):
        p, y = outputs(150, 2 * seed)
        odds = log_odds([*p])
        rows = tuple(sorted(zip(odds, (p.argmax(1) == y).astype(float), strict=True)))
        found = expect_accuracy(rows, log_odds([*outputs(100, 2 * seed + 1)[0]]))["doc"]
        inside += found.low <= 100 * TRUE <= found.high
    assert inside >= 35


TRUE = outputs(200_000, 9)[0].max(1).mean()
"""Accuracy of calibrated outputs: their mean confidence."""


def test_all_wrong_is_expected_to_be_wrong():
    assert atc(np.array([[0.0, 0.0], [1.0, 0.0]]), np.array([5.0])) == 0


def test_agreement_is_how_often_both_predict_the_same():
    a = [np.array(row) for row in ([0.9, 0.1], [0.2, 0.8], [0.6, 0.4], [0.5, 0.5])]
    b = [np.array(row) for row in ([0.6, 0.4], [0.9, 0.1], [0.7, 0.3], [0.8, 0.2])]
    assert expect_agreement(a, b).accuracy == 75
