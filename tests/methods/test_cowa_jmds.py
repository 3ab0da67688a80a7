"""Pseudo-labels are weighted by model and data (Lee et al. 2022)."""

import numpy as np
import pytest
import torch
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from da.methods._mixup import draw_mixture, mix
from da.methods.cowa_jmds import RIDGE, CoWAJMDS, weighted_labels
from da.training.engine import train_step
from tests.conftest import build, normal


def by_hand(f: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class probabilities of Gaussians by SciPy."""
    f = f / np.linalg.norm(f, axis=1, keepdims=True)
    q, spread = p, np.full_like(p, 1 / p.shape[1])
    for _ in range(2):
        log_q = np.empty_like(p)
        for c in range(p.shape[1]):
            mean = q[:, c] @ f / q[:, c].sum()
            cov = np.cov(f.T, aweights=spread[:, c], ddof=0)
            shift = (spread[:, c] @ f / spread[:, c].sum() - mean)[:, None]
            cov = cov + shift @ shift.T + RIDGE * np.eye(f.shape[1])  # about the given mean
            log_q[:, c] = np.log(q[:, c].sum()) + multivariate_normal.logpdf(f, mean, cov)
        log_q -= logsumexp(log_q, axis=1, keepdims=True)
        q = spread = np.exp(log_q)
    y, ordered = log_q.argmax(1), np.sort(log_q, axis=1)
    gap = ordered[:, -1] - ordered[:, -2]
    return y, gap / gap.max() * p[np.arange(len(p)), y]


@pytest.mark.parametrize("seed", range(3))
def test_labels_and_weights_equal_those_of_scipy(seed):
    f, p = normal(60, 4, seed=seed), normal(60, 3, seed=seed + 9).softmax(1)
    f[:, 0] += p.argmax(1)
    y, weights = weighted_labels(f, p)
    expected = by_hand(f.numpy(), p.numpy())
    assert y.tolist() == expected[0].tolist()
    torch.testing.assert_close(weights, torch.tensor(expected[1]), rtol=1e-6, atol=1e-9)


def test_a_singular_covariance_and_a_class_without_images_have_numbers():
    f, p = normal(4, 9), torch.tensor([[1.0, 0.0, 0.0]] * 2 + [[0.0, 1.0, 0.0]] * 2).double()
    y, weights = weighted_labels(f, p)
    assert weights.isfinite().all()
    assert set(y.tolist()) <= {0, 1}


def test_without_a_mixture_the_loss_is_the_weighted_cross_entropy(batch):
    m = build(CoWAJMDS, mixup=0.0)
    log_p = m.predict(batch.target.x).log_softmax(1)
    expected = -(m.weights[:8] * log_p[torch.arange(8), m.labels[:8]]).mean()
    torch.testing.assert_close(m(batch, 0.0), {"pseudo": expected})
    assert 0 <= m.weights.min() < m.weights.max() <= 1


def test_images_labels_and_weights_are_mixed_alike(batch):
    m = build(CoWAJMDS, mixup=2.0)
    torch.manual_seed(1)
    found = m(batch, 0.0)["pseudo"]
    torch.manual_seed(1)
    order, share = draw_mixture(8, 2.0, batch.target.x)
    assert 0 < share.min() < share.max() < 1
    x, y, w = batch.target.x, m.labels[:8], m.weights[:8]
    log_p = m.predict(share[:, None] * x + (1 - share[:, None]) * x[order]).log_softmax(1)
    places = torch.arange(8)
    each = share * log_p[places, y] + (1 - share) * log_p[places, y[order]]
    torch.testing.assert_close(found, -((share * w + (1 - share) * w[order]) * each).mean())


def test_texts_are_no_mixture():
    with pytest.raises(ValueError, match="texts cannot be mixed"):
        mix(torch.ones(2, 3, dtype=torch.long), torch.arange(2), torch.ones(2))


def test_labels_are_found_anew_so_many_times(batch):
    m = build(CoWAJMDS, refreshes=4)
    for progress in torch.arange(40) / 40:
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, progress.item())
    assert m.found == 4
