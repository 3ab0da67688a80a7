"""Label propagation against scikit-learn's iteration."""

import numpy as np
import torch
from sklearn.semi_supervised import LabelSpreading

from da.ops.propagation import (
    mean_neighbor_distance,
    near_affinities,
    normalize_mass,
    spread_labels,
)
from tests.conftest import normal


def test_labels_spread_as_in_scikit_learn():
    y = torch.arange(40) % 2
    x = normal(40, 3) + 2 * y[:, None]
    given = torch.where(torch.arange(40) < 10, y, -1)
    near = near_affinities(x, x, mean_neighbor_distance(x, 5), 6)
    symmetric = torch.maximum(near, near.mT).numpy()
    peer = LabelSpreading(lambda a, b: symmetric.copy(), alpha=0.9, max_iter=10_000, tol=1e-12)
    expected = peer.fit(x, given).label_distributions_
    found = spread_labels(near, given, 2, 0.9)
    found = found / found.sum(1, keepdim=True)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.argmax(1) == y).double().mean() > 0.8


def test_affinities_are_those_of_the_nearest_rows_alone():
    x, y = normal(5, 3), normal(9, 3, seed=1)
    found = near_affinities(x, y, torch.tensor(0.7).double(), 2)
    for row, distances in zip(found, torch.cdist(x, y), strict=True):
        near = distances.argsort()[:2]
        expected = torch.zeros(9).double()
        expected[near] = (-distances[near].square() / (2 * 0.49)).exp()
        torch.testing.assert_close(row, expected)


def test_the_mean_distance_leaves_out_a_row_itself():
    x = torch.tensor([[0.0], [1.0], [3.0]])
    torch.testing.assert_close(mean_neighbor_distance(x, 1), torch.tensor(4 / 3))
    assert mean_neighbor_distance(x[:1], 3) > 0


def test_a_frequent_class_does_not_flood_the_graph():
    found = normalize_mass(torch.tensor([[4.0, 1.0], [6.0, 1.0], [5.0, 2.0]]))
    torch.testing.assert_close(found.sum(1), torch.ones(3))
    torch.testing.assert_close(found[0, 0] / found[0, 1], torch.tensor((4 / 15) / (1 / 4)))
