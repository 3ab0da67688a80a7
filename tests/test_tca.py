"""Transfer components against scipy and against their purpose."""

import numpy as np
import pytest
import scipy.linalg
import torch
from sklearn.metrics.pairwise import linear_kernel, rbf_kernel

from conftest import points
from da import train
from da.backbones import Features
from da.methods.tca import (
    TCA,
    gram,
    kernel,
    leading_eigenvectors,
    median_gamma,
    squared_distances,
    transfer_components,
)

N, M = 30, 20


def features(*, shift: float = 0.7, seed: int = 0) -> torch.Tensor:
    """30 source and 20 target images; only what tells the domains apart is in the first feature."""
    x = torch.randn(N + M, 6, generator=torch.Generator().manual_seed(seed))
    x[N:, 0] += shift
    return x


def centred(k: torch.Tensor) -> torch.Tensor:
    return k - k.mean(-2, keepdim=True)


def sides(k: torch.Tensor, mu: float) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices of the generalised eigenproblem, written out."""
    k = k.double().numpy()
    h = np.eye(N + M) - 1 / (N + M)
    e = np.concatenate([np.full(N, 1 / N), np.full(M, -1 / M)])
    return k @ h @ k, k @ np.outer(e, e) @ k + mu * np.eye(N + M)


def mapped(x: torch.Tensor, **hp) -> tuple[torch.Tensor, torch.Tensor]:
    m = TCA.Hparams(**hp).build(Features(x.shape[1]), 2)
    twice = (torch.cat([part, part]) for part in (x[:N], x[N:]))  # the second half is for tests
    task = train.prepare(m, "moons:0-1", *(points(f, torch.arange(len(f)) % 2) for f in twice))
    return task.source_train.x[:N], task.target_train.x[:M]


@pytest.mark.parametrize("mu", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("linear", [True, False])
def test_components_equal_scipy(mu, linear):
    k = kernel(features(), features(), None if linear else torch.tensor(0.1))
    ours = transfer_components(centred(k), N, 5, mu=mu).numpy()
    a, b = sides(k, mu)
    values, w = scipy.linalg.eigh(a, b)
    w = w[:, ::-1][:, :5] / values[::-1][:5] ** 0.5  # eigh scales to w'bw = 1
    sign = np.sign((w * ours).sum(0))
    np.testing.assert_allclose(ours, sign * w, rtol=1e-3, atol=1e-4 * np.abs(w).max())


def test_components_solve_the_problem_in_order():
    x = torch.cat([features(seed=s) for s in range(5)]).view(5, N + M, 6)
    x = torch.cat([x[:, :N].flatten(0, 1), x[:, N:].flatten(0, 1)])
    n, count = 5 * N, 12
    k = gram(x, median_gamma(x))
    w = transfer_components(centred(k), n, count, mu=1.0).double()
    k = k.double()
    v = k[:, :n].mean(1) - k[:, n:].mean(1)
    left = k @ centred(k @ w)
    right = torch.outer(v, v) @ w + w
    values = 1 / (w * right).sum(0)
    assert (values.diff() < 0).all()
    residual = (left - values * right).norm(dim=0) / left.norm(dim=0)
    assert residual.max() < 1e-4
    torch.testing.assert_close(w.mT @ left, torch.eye(count).double(), rtol=0, atol=1e-4)


def test_batched_components_equal_one_by_one():
    k = torch.stack([gram(features(seed=s), torch.tensor(0.1 * s)) for s in (1, 2)])
    many = transfer_components(centred(k), N, 4, mu=1.0)
    for i in range(2):
        one = transfer_components(centred(k[i]), N, 4, mu=1.0)
        sign = (one * many[i]).sum(0).sign()
        torch.testing.assert_close(many[i], sign * one, rtol=1e-3, atol=1e-4)


def test_there_are_no_components_beyond_the_rank():
    line = torch.outer(torch.arange(N + M) % 5 - 2.0, torch.ones(6))
    w = transfer_components(centred(line @ line.mT), N, 3, mu=1.0)
    assert w[:, 0].norm() > 0
    assert not w[:, 1:].any()


@pytest.mark.parametrize("d", [5, 40, 200])
def test_leading_eigenvectors_equal_eigh(d):
    f = torch.randn(300, d, generator=torch.Generator().manual_seed(0)).double()
    a = f.mT @ f
    values, vectors = leading_eigenvectors(lambda q: a @ q, a, min(d, 6), tolerance=1e-9)
    expected = torch.linalg.eigh(a)
    torch.testing.assert_close(values, expected.eigenvalues.flip(0)[:6])
    overlap = expected.eigenvectors.flip(1)[:, :6].mT @ vectors
    torch.testing.assert_close(overlap.abs(), torch.eye(len(values)).double(), atol=1e-6, rtol=0)


def test_eigenvectors_of_equal_values_are_orthogonal():
    a = torch.diag(torch.tensor([2.0] * 20 + [1.0] * 30))
    _, vectors = leading_eigenvectors(lambda q: a @ q, a, 20)
    torch.testing.assert_close(vectors.mT @ vectors, torch.eye(20), atol=1e-5, rtol=0)


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


@pytest.mark.parametrize("kind", ["rbf", "linear"])
def test_means_of_the_domains_meet_and_variance_stays(kind):
    x = features(shift=2.0)
    z_s, z_t = mapped(x, dimensions=3, kernel=kind, mu=0.01)
    both = torch.cat([z_s, z_t])
    torch.testing.assert_close(both.mean(0), torch.zeros(3), atol=1e-4, rtol=0)
    torch.testing.assert_close(both.mT @ both / len(both), torch.eye(3), atol=1e-2, rtol=0)
    gap = (z_s.mean(0) - z_t.mean(0)).norm()
    assert gap < 0.15 < 1 < (x[:N].mean(0) - x[N:].mean(0)).norm()


def test_a_larger_mu_leaves_more_of_the_gap():
    gaps = []
    for mu in (1e-2, 1e2, 1e4):
        z_s, z_t = mapped(features(shift=2.0), dimensions=3, mu=mu, kernel="linear")
        gaps.append((z_s.mean(0) - z_t.mean(0)).norm())
    assert gaps[0] < 0.1 * gaps[1] < 0.1 * gaps[2]


def test_it_needs_more_images_than_components():
    m = TCA.Hparams(dimensions=8).build(Features(9), 2)
    with pytest.raises(ValueError, match=r"dimensions 8 .* 8 images"):
        m.find(torch.randn(4, 9), torch.randn(4, 9))


def test_distances_to_oneself_vanish():
    assert squared_distances(features(), features()).diagonal().abs().max() < 1e-5
