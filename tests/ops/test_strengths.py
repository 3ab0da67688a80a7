"""The strength of a penalty, chosen without labels of the target."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold

from da.ops.classifiers import apply_linear, fit_linear
from da.ops.strengths import FOLDS, GRID, choose_strength, split_folds
from tests.conftest import normal


def domains(noise: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    y = torch.arange(60) % 3
    centers = 2 * torch.eye(3, 12).double()
    return centers[y] + noise * normal(60, 12), y, centers[y] + noise * normal(60, 12, seed=1)


def test_parts_are_those_of_scikit_learn_where_classes_divide_evenly():
    y = torch.arange(60) % 3
    parts = split_folds(y)
    for part, (_, held) in enumerate(StratifiedKFold(FOLDS).split(y, y)):
        assert (parts == part).nonzero().flatten().tolist() == held.tolist()


def peer_losses(strength: float, x: np.ndarray, y: np.ndarray) -> list[float]:
    """The mean held-out loss of scikit-learn's classifier, in each part."""
    peer = LogisticRegression(C=1 / strength, solver="newton-cholesky", tol=1e-8)
    return [
        log_loss(y[held], peer.fit(x[rest], y[rest]).predict_proba(x[held]))
        for rest, held in StratifiedKFold(FOLDS).split(x, y)
    ]


def test_cross_validation_takes_the_largest_within_a_standard_error():
    f_s, y_s, f_t = domains(1.0)
    scores = np.array([peer_losses(s, f_s.numpy(), y_s.numpy()) for s in GRID])
    least = scores.mean(1).argmin()
    limit = scores[least].mean() + scores[least].std(ddof=1) / FOLDS**0.5
    expected = max(s for s, each in zip(GRID, scores, strict=True) if each.mean() <= limit)
    found = choose_strength("logistic", "cross_validation", (f_s, y_s), f_t, 3)
    assert found == expected
    assert found > GRID[least]


@pytest.mark.parametrize("kind", ["logistic", "ridge", "svm"])
def test_noise_asks_for_a_stronger_penalty(kind):
    clear, noisy = (
        choose_strength(kind, "cross_validation", (f_s, y_s), f_t, 3)
        for f_s, y_s, f_t in (domains(0.2), domains(3.0))
    )
    assert clear < noisy


def test_the_way_back_begins_with_predictions_of_the_target():
    f_s, y_s, f_t = domains(1.5)
    right = []
    for strength in GRID:
        there = fit_linear("logistic", f_s, y_s, 3, [strength])[0]
        back = fit_linear("logistic", f_t, apply_linear(there, f_t).argmax(1), 3, [strength])[0]
        right.append((apply_linear(back, f_s).argmax(1) == y_s).double().mean().item())
    found = choose_strength("logistic", "reverse", (f_s, y_s), f_t, 3)
    assert right[GRID.index(found)] == max(right)


def test_infomax_takes_the_surest_and_most_even_predictions():
    assert choose_strength("logistic", "infomax", domains(0.5)[:2], domains(0.5)[2], 3) == GRID[0]


def test_labels_of_the_target_have_no_place_and_too_few_images_no_choice():
    f_s, y_s, f_t = domains(1.0)
    few = f_s[:3], y_s[:3]
    assert choose_strength("logistic", "cross_validation", few, f_t, 3) == 1.0
