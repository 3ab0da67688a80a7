"""Kernels against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel

from da.ops.kernels import gram, kernel, median_gamma
from da.ops.linalg import squared_distances


def features(*, seed: int = 0) -> torch.Tensor:
    return torch.randn(50, 6, generator=torch.Generator().manual_seed(seed))


def test_kernels_equal_scikit_learn():
    x, y = features(), features(seed=1)[:7]
    np.testing.assert_allclose(kernel(x, y, torch.tensor(0.3)), rbf_kernel(x, y, 0.3), atol=1e-6)
    np.testing.assert_allclose(kernel(x, y, None), linear_kernel(x, y), atol=1e-5)


@pytest.mark.parametrize("n", [1, 5, 50])
@pytest.mark.parametrize("linear", [True, False])
def test_gram_is_the_kernel_of_all_pairs(n, linear):
    x = features()[:n].expand(2, n, 6)
    gamma = None if linear else torch.tensor([0.1, 0.2])
    torch.testing.assert_close(gram(x, gamma), kernel(x, x, gamma), rtol=1e-5, atol=1e-5)


def test_rbf_is_exp_minus_a_half_at_the_median_distance():
    x = features()
    pairs = torch.pdist(x).square()
    torch.testing.assert_close(median_gamma(x), 1 / (2 * pairs.median()))
    torch.testing.assert_close(
        median_gamma(torch.stack([x, 2 * x])), median_gamma(x) / torch.tensor([1, 4])
    )
    assert median_gamma(torch.ones(4, 2)).isfinite()
    few = median_gamma(features().repeat(30, 1), sample=100)
    torch.testing.assert_close(few, median_gamma(x), rtol=0.2, atol=0)


def test_distances_to_oneself_vanish():
    assert squared_distances(features(), features()).diagonal().abs().max() < 1e-5
