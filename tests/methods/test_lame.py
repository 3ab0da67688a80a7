"""Predictions of a batch that agree where features are near (Boudiaf et al. 2022)."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from sklearn.neighbors import kneighbors_graph

from da.methods.lame import LAME, affinities, smooth_predictions
from da.training.engine import train_step
from tests.conftest import build, normal


def energy(z, p, near) -> float:
    """Eq. 4: divergence from the predictions, minus the agreement of neighbors."""
    return float((z * (z / p).log()).sum() - 0.5 * (near * (z @ z.T)).sum())


@pytest.mark.parametrize("kind", ["rbf", "knn", "linear"])
def test_affinities_equal_those_of_loops(kind):
    f = F.normalize(normal(12, 4))
    near = affinities(f, kind, 3)
    if kind == "knn":
        assert near.numpy() == pytest.approx(kneighbors_graph(f.numpy(), 3).toarray())
        return
    gaps = [[float((a - b).norm()) for b in f] for a in f]
    width = np.mean([sorted(row)[2] for row in gaps])
    for i, j in np.ndindex(12, 12):
        gauss = np.exp(-(gaps[i][j] ** 2) / (2 * width**2))
        want = gauss if kind == "rbf" else float(f[i] @ f[j])
        assert float(near[i, j]) == pytest.approx(want, abs=1e-6)


def test_no_other_prediction_has_less_energy():
    """Of a symmetric positive kernel, so that rounds go down to where the gradient is 0."""
    p, near = normal(9, 3).softmax(1), affinities(F.normalize(normal(9, 4, seed=1)), "rbf", 5)
    z = smooth_predictions(p, near, 1000)
    assert energy(z, p, near) < energy(p, p, near)
    free = z.log().requires_grad_()
    (slope,) = torch.autograd.grad(_energy_of(free, p, near), free)
    assert float(slope.abs().max()) < 1e-3
    for seed in range(20):
        other = (z.log() + 0.1 * normal(9, 3, seed=seed)).softmax(1)
        assert energy(other, p, near) > energy(z, p, near) - 1e-6


def _energy_of(free, p, near):
    z = free.softmax(1)
    return (z * (z / p).log()).sum() - 0.5 * (near * (z @ z.T)).sum()


def test_the_network_stays_and_the_stream_is_corrected(batch):
    m = build(LAME)
    plain = m.predict(batch.target.x)
    train_step(m, torch.optim.SGD([torch.nn.Parameter(plain[0])], 0.1), batch, 0.0)
    assert m.predict(batch.target.x).equal(plain)
    assert not m.online.softmax(1).allclose(plain.softmax(1), atol=1e-3)


def test_one_image_alone_stays_as_it_is():
    p = torch.tensor([[0.2, 0.8]])
    for kind in ("rbf", "knn", "linear"):
        assert affinities(torch.ones(1, 1), kind, 5).shape == (1, 1)
    assert smooth_predictions(p, torch.zeros(1, 1), 9).allclose(p)
