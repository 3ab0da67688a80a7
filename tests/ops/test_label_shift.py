"""Frequencies of classes are found again where they alone have shifted."""

import pytest
import torch
from scipy.optimize import minimize

from da.ops.label_shift import ESTIMATORS, estimate_em, minimize_penalized
from tests.conftest import normal

BEFORE = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
AFTER = torch.tensor([0.1, 0.25, 0.65], dtype=torch.float64)
CENTERS = 1.5 * torch.eye(3, dtype=torch.float64)


def drawn(frequencies: torch.Tensor, count: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Points of three Gaussians, as the logits of the best classifier before, and their classes."""
    g = torch.Generator().manual_seed(seed)
    y = torch.multinomial(frequencies, count, replacement=True, generator=g)
    x = CENTERS[y] + normal(count, 3, seed=seed + 1)
    return -torch.cdist(x, CENTERS).square() / 2 + BEFORE.log(), y


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_known_shift_is_found(name):
    logits, y = drawn(BEFORE, 20_000, 0)
    unlabeled, _ = drawn(AFTER, 20_000, 5)
    found = ESTIMATORS[name](logits, y, unlabeled)
    assert (found - AFTER).abs().max() < 0.02
    assert (unlabeled.softmax(1).mean(0) - AFTER).abs().max() > 0.1  # which counting misses
    unshifted = ESTIMATORS[name](logits, y, drawn(BEFORE, 20_000, 9)[0])
    assert (unshifted - BEFORE).abs().max() < 0.02


def test_bbse_is_exact_where_frequencies_are():
    """Predictions with a known confusion: counts are those of C and C w."""
    confusion = torch.tensor([[8, 1, 1], [2, 6, 2], [1, 1, 8]])  # of each class, true by predicted
    pairs = [(c, p) for c in range(3) for p in range(3) for _ in range(int(confusion[c, p]))]
    y, predicted = torch.tensor(pairs).mT
    eye = torch.eye(3, dtype=torch.float64)
    weights = torch.tensor([1, 2, 5])  # copies of each class
    unlabeled = eye[torch.cat([predicted[y == c].repeat(int(weights[c])) for c in range(3)])]
    found = ESTIMATORS["bbse"](eye[predicted], y, unlabeled)
    torch.testing.assert_close(found, weights.double() / 8, atol=1e-5, rtol=0)


def test_few_images_move_rlls_less_than_bbse():
    wide = torch.zeros(2)
    for seed in range(20):
        logits, y = drawn(BEFORE, 40, seed)
        unlabeled, _ = drawn(BEFORE, 40, seed + 100)
        for i, name in enumerate(("bbse", "rlls")):
            wide[i] += (ESTIMATORS[name](logits, y, unlabeled) - BEFORE).norm()
    assert wide[1] < wide[0]


@pytest.mark.parametrize("weight", [0.01, 0.3, 5.0])
def test_the_penalized_minimum_is_that_of_scipy(weight):
    a, b = normal(4, 4, seed=1), normal(4, seed=2)

    def cost(x) -> float:
        x = torch.as_tensor(x)
        return ((a @ x - b).norm() + weight * x.norm()).item()

    found = minimize_penalized(a, b, weight)
    starts = [torch.zeros(4).double() + 0.1, torch.linalg.solve(a, b)]
    best = min(
        minimize(cost, x, method="Nelder-Mead", options={"maxiter": 9000}).fun for x in starts
    )
    assert cost(found) <= best + 1e-4


def test_em_stays_at_what_explains_the_predictions_best():
    unlabeled, _ = drawn(AFTER, 300, 3)
    logits, y = drawn(BEFORE, 300, 4)
    ratio = unlabeled.softmax(1) / logits.softmax(1).mean(0)

    def likelihood(frequencies: torch.Tensor) -> float:
        return (ratio @ frequencies).log().mean().item()

    found = estimate_em(logits, y, unlabeled)
    best = likelihood(found)
    for move in 0.01 * (torch.eye(3) - 1 / 3).double():
        for sign in (1, -1):
            assert likelihood(found + sign * move) < best
