"""Fitted classifiers against those of scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.svm import LinearSVC

from da.ops.classifiers import ABSENT, apply_linear, fit_linear, linear_losses
from da.ops.minimize import minimize
from tests.conftest import normal

PEERS = {
    "logistic": lambda s: LogisticRegression(C=1 / s, tol=1e-12, solver="newton-cholesky"),
    "ridge": lambda s: RidgeClassifier(alpha=s),
    "svm": lambda s: LinearSVC(C=1 / s, tol=1e-12, max_iter=1_000_000, dual=False),
}
STRENGTHS = [1.0, 0.1, 30.0]


def rows(n: int, d: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Rows of three classes, far from the origin, of columns with different spreads."""
    y = torch.arange(n) % 3
    spread = torch.linspace(0.2, 3, d, dtype=torch.float64)
    return (normal(n, d) + 0.7 * normal(3, d, seed=1)[y]) * spread + 2, y


@pytest.mark.parametrize("kind", PEERS)
@pytest.mark.parametrize(("n", "d"), [(60, 8), (20, 40)])
def test_equal_those_of_scikit_learn(kind, n, d):
    x, y = rows(n, d)
    for found, strength in zip(fit_linear(kind, x, y, 3, STRENGTHS, 1e-10), STRENGTHS, strict=True):
        peer = PEERS[kind](strength).fit(x, y)
        expected = np.c_[peer.coef_, peer.intercept_]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5 * abs(expected).max())
        theirs = torch.from_numpy(peer.decision_function(x))
        torch.testing.assert_close(apply_linear(found, x), theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", PEERS)
def test_no_other_weights_have_a_smaller_loss(kind):
    """`linear_losses` are the losses that `fit_linear` minimizes."""
    x, y = rows(30, 4)

    def total(w: torch.Tensor) -> torch.Tensor:
        size = w.square().sum() if kind == "svm" else w[:, :-1].square().sum()
        return linear_losses(kind, apply_linear(w, x), y).sum() + 0.5 * 2.0 * size

    w = fit_linear(kind, x, y, 3, [2.0], 1e-12)[0].requires_grad_()
    (slope,) = torch.autograd.grad(total(w), w)
    assert slope.abs().max() < 1e-7


@pytest.mark.parametrize("kind", PEERS)
def test_a_class_without_rows_is_never_predicted(kind):
    x, y = rows(30, 4)
    weights = fit_linear(kind, x, 2 * y, 6, [1.0])[0]
    logits = apply_linear(weights, 100 * x)
    assert {*logits.argmax(1).tolist()} <= {0, 2, 4}
    assert weights[1, -1] == -ABSENT
    torch.testing.assert_close(weights[[0, 2, 4]], fit_linear(kind, x, y, 3, [1.0])[0])


@pytest.mark.parametrize("kind", PEERS)
def test_one_class_alone_is_always_predicted(kind):
    x, y = rows(9, 4)
    weights = fit_linear(kind, x, y * 0, 2, [1.0])[0]
    assert apply_linear(weights, x).isfinite().all()
    assert not apply_linear(weights, x).argmax(1).any()


def test_a_search_ends_at_the_minimum_of_a_stretched_valley():
    scale = torch.logspace(-2, 2, 12, dtype=torch.float64)
    place = normal(12)

    def valley(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        gap = x - place
        return (scale * gap.square()).sum() / 2, scale * gap

    torch.testing.assert_close(minimize(valley, torch.zeros(12).double(), 1e-13), place)
