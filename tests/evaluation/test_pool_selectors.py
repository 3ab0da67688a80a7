"""Selectors of several runs: what they equal, what they prefer, what they estimate."""

import numpy as np
import pytest
import torch
from scipy.stats import norm

from da.config.registry import SELECTORS
from da.evaluation.predictions import Predictions, accuracy
from da.evaluation.scores import needs_runs, score_pool

POOLED = "agreement_line", "disagreement", "ensv"


def say(y: torch.Tensor, k: int = 4) -> torch.Tensor:
    return 5 * torch.eye(k)[y]


def models(errors, shift: float = 0.0, images: int = 4000):
    """Models that err on images that are hard for all, each by luck of its own, and true classes.

    An image is classified right where skill exceeds its difficulty plus luck; the target is harder.
    """
    g = torch.Generator().manual_seed(0)
    pool, ys = [], [torch.randint(4, (images,), generator=g) for _ in range(2)]
    hard = [torch.randn(images, generator=g) for _ in range(2)]
    for error in errors:
        logits = []
        for y, difficulty, harder in zip(ys, hard, (0, shift), strict=True):
            luck = (difficulty + torch.randn(images, generator=g)) / 2**0.5
            wrong = luck > norm.isf(error) - harder
            other = (y + torch.randint(1, 4, (images,), generator=g)) % 4
            logits.append(say(torch.where(wrong, other, y)))
        pool.append(Predictions(logits[0], ys[0], logits[1]))
    return pool, ys[1]


def test_each_says_which_runs_it_compares():
    assert all(needs_runs(name) for name in POOLED)
    pools = {name: SELECTORS.constants(name)["POOL"] for name in POOLED}
    assert pools == {"agreement_line": "task", "disagreement": "seeds", "ensv": "task"}


def test_ensv_by_hand():
    """Two of three are sure of 0, so the mean says 0 for the first image, and 1 for the second."""
    said = [[0, 1], [0, 2], [1, 1]]
    y = torch.arange(3)
    pool = [Predictions(torch.eye(3), y, say(torch.tensor(each), 3)) for each in said]
    assert score_pool("ensv", pool) == [100, 50, 50]


def test_disagreement_by_hand():
    said = [[0, 1, 2, 0], [0, 1, 2, 1], [0, 0, 0, 0]]
    y = torch.arange(3)
    pool = [Predictions(torch.eye(3), y, say(torch.tensor(each), 3)) for each in said]
    assert score_pool("disagreement", pool) == pytest.approx([62.5, 50, 37.5])


def test_agreement_line_solves_the_least_squares_of_all_pairs():
    """The system of equations of Baek et al., one for each pair, as numpy solves it."""
    pool, _ = models((0.1, 0.2, 0.3, 0.25, 0.15), 0.5)
    source, target = (
        [z.argmax(1).numpy() for z in each]
        for each in zip(*((p.source_logits, p.target_logits) for p in pool), strict=True)
    )
    own = norm.ppf([np.mean(each == pool[0].source_y.numpy()) for each in source])
    pairs = list(zip(*np.triu_indices(5, 1), strict=True))
    a = norm.ppf([np.mean(source[i] == source[j]) for i, j in pairs])
    b = norm.ppf([np.mean(target[i] == target[j]) for i, j in pairs])
    slope = np.polyfit(a, b, 1)[0]
    left = np.array([[0.5 * (k in pair) for k in range(5)] for pair in pairs])
    right = b + slope * (left @ own - a)
    expected = 100 * norm.cdf(np.linalg.lstsq(left, right, rcond=None)[0])
    assert score_pool("agreement_line", pool) == pytest.approx(expected, abs=1e-6)


def test_agreement_line_estimates_accuracies_that_fell():
    pool, y = models((0.1, 0.15, 0.2, 0.25, 0.3, 0.35), 0.6)
    true = [accuracy(p.target_logits, y) for p in pool]
    assert accuracy(pool[0].source_logits, pool[0].source_y) > true[0] + 10
    found = score_pool("agreement_line", pool)
    assert np.abs(np.subtract(found, true)).mean() < 4
    assert np.argsort(found).tolist() == np.argsort(true).tolist()


def test_disagreement_estimates_the_accuracy_of_runs_that_are_calibrated_together():
    """Each predicts a class as often as it is right, so two agree as often as one is right."""
    g = torch.Generator().manual_seed(0)
    p = torch.randn(4000, 4, generator=g).mul(3).softmax(1)
    y, *said = (torch.multinomial(p, 1, generator=g)[:, 0] for _ in range(4))
    pool = [Predictions(say(y), y, say(each)) for each in said]
    true = [accuracy(each.target_logits, y) for each in pool]
    assert score_pool("disagreement", pool) == pytest.approx(true, abs=3)


@pytest.mark.parametrize("name", ["ensv", "disagreement"])
def test_the_model_that_errs_least_is_preferred(name):
    pool, _ = models((0.4, 0.1, 0.3, 0.2))
    assert np.argsort(score_pool(name, pool)).tolist() == [0, 2, 3, 1]


@pytest.mark.parametrize("name", POOLED)
def test_small_pools_and_models_that_are_alike_give_numbers(name):
    pool, _ = models((0.2,) * 2, images=1)
    same = pool[:1] * 4
    for few in ([], pool[:1], pool, same):
        found = score_pool(name, few)
        assert len(found) == len(few)
    assert np.isfinite(found).all()
