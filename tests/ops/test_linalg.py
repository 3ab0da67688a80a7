"""Leading eigenvectors and what is made of them, against scipy."""

import numpy as np
import pytest
import scipy.linalg
import torch

from da.ops.kernels import gram, kernel, median_gamma
from da.ops.linalg import fix_signs, leading_eigenvectors, principal_directions, transfer_components

N, M = 30, 20


def features(*, shift: float = 0.7, seed: int = 0) -> torch.Tensor:
    """30 source and 20 target images; only what tells the domains apart is in the first feature."""
    x = torch.randn(N + M, 6, generator=torch.Generator().manual_seed(seed))
    x[N:, 0] += shift
    return x


def centered(k: torch.Tensor) -> torch.Tensor:
    return k - k.mean(-2, keepdim=True)


def gap(k: torch.Tensor, sources: int = N) -> torch.Tensor:
    """How far the means of the domains lie apart in each column."""
    return (k[..., :sources, :].mean(-2) - k[..., sources:, :].mean(-2))[..., None]


def sides(k: torch.Tensor, mu: float) -> tuple[np.ndarray, np.ndarray]:
    """Both matrices of the generalized eigenproblem, written out."""
    k = k.double().numpy()
    h = np.eye(N + M) - 1 / (N + M)
    e = np.concatenate([np.full(N, 1 / N), np.full(M, -1 / M)])
    return k @ h @ k, k @ np.outer(e, e) @ k + mu * np.eye(N + M)


@pytest.mark.parametrize("mu", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("linear", [True, False])
def test_components_equal_scipy(mu, linear):
    k = kernel(features(), features(), None if linear else torch.tensor(0.1))
    ours = transfer_components(centered(k), gap(k), 5, mu=mu).numpy()
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
    w = transfer_components(centered(k), gap(k, n), count, mu=1.0).double()
    k = k.double()
    v = k[:, :n].mean(1) - k[:, n:].mean(1)
    left = k @ centered(k @ w)
    right = torch.outer(v, v) @ w + w
    values = 1 / (w * right).sum(0)
    assert (values.diff() < 0).all()
    residual = (left - values * right).norm(dim=0) / left.norm(dim=0)
    assert residual.max() < 1e-4
    torch.testing.assert_close(w.mT @ left, torch.eye(count).double(), rtol=0, atol=1e-4)


def test_batched_components_equal_one_by_one():
    k = torch.stack([gram(features(seed=s), torch.tensor(0.1 * s)) for s in (1, 2)])
    many = transfer_components(centered(k), gap(k), 4, mu=1.0)
    for i in range(2):
        one = transfer_components(centered(k[i]), gap(k[i]), 4, mu=1.0)
        sign = (one * many[i]).sum(0).sign()
        torch.testing.assert_close(many[i], sign * one, rtol=1e-3, atol=1e-4)


def test_there_are_no_components_beyond_the_rank():
    line = torch.outer(torch.arange(N + M) % 5 - 2.0, torch.ones(6))
    k = line @ line.mT
    w = transfer_components(centered(k), gap(k), 3, mu=1.0)
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


def test_signs_make_the_largest_entry_of_each_column_positive():
    v = torch.tensor([[1.0, -3.0, 0.0], [-2.0, 1.0, 0.0]])
    assert fix_signs(v).equal(torch.tensor([[-1.0, 3.0, 0.0], [2.0, -1.0, 0.0]]))
    assert fix_signs(torch.stack([v, -v]))[0].equal(fix_signs(torch.stack([v, -v]))[1])


@pytest.mark.parametrize("count", [2, 6])
def test_directions_do_not_depend_on_the_signs_that_a_library_chooses(count, monkeypatch):
    x = torch.randn(80, 20, generator=torch.Generator().manual_seed(0))
    before = principal_directions(x, count)
    for name, at in (("eigh", 1), ("svd", 2)):
        usual = getattr(torch.linalg, name)

        def other(a, usual=usual, at=at, **how):
            found = usual(a, **how)
            parts = list(found)
            signs = torch.ones(parts[at].shape[-1 if at == 1 else -2])
            signs[::2] = -1
            parts[at] = parts[at] * (signs if at == 1 else signs[:, None])
            return type(found)(parts)

        monkeypatch.setattr(torch.linalg, name, other)
    assert principal_directions(x, count).equal(before)
    k = kernel(features(), features(), torch.tensor(0.1))
    w = transfer_components(centered(k), gap(k), 5, mu=1.0)
    monkeypatch.undo()
    torch.testing.assert_close(w, transfer_components(centered(k), gap(k), 5, mu=1.0))
