"""The geodesic flow kernel against the paper's closed form and against the integral it is."""

import numpy as np
import pytest
import scipy.linalg
import torch

from da.methods.gfk import GFK, geodesic_flow_root
from da.models.backbone import Features
from da.ops.linalg import principal_directions
from tests.conftest import normal


def subspace(d: int, e: int, seed: int) -> torch.Tensor:
    return torch.linalg.qr(normal(d, e, seed=seed)).Q


def kernel(p_s: torch.Tensor, p_t: torch.Tensor) -> torch.Tensor:
    root = geodesic_flow_root(p_s, p_t)
    return root @ root.mT


def turns(p_s: torch.Tensor, p_t: torch.Tensor) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """P_s U_1, R_s U_2 and angles of the paper, by scipy's cosine-sine decomposition."""
    e = p_s.shape[1]
    full_s, full_t = (np.hstack([p, scipy.linalg.null_space(p.T)]) for p in (p_s, p_t))
    (u1, u2), angles, _ = scipy.linalg.cossin(full_s.T @ full_t, p=e, q=e, separate=True)
    return full_s[:, :e] @ u1, -full_s[:, e:] @ u2[:, -e:], angles


@pytest.mark.parametrize("e", [1, 3, 5])
def test_it_equals_the_closed_form_of_the_paper(e):
    p_s, p_t = subspace(12, e, 0), subspace(12, e, 1)
    a, c, theta = turns(p_s, p_t)
    first, third = (1 + sign * np.sin(2 * theta) / (2 * theta) for sign in (1, -1))
    second = (np.cos(2 * theta) - 1) / (2 * theta)
    expected = (a * first) @ a.T + (a * second) @ c.T + (c * second) @ a.T + (c * third) @ c.T
    np.testing.assert_allclose(kernel(p_s, p_t), expected / 2, atol=1e-12)


def test_it_is_the_mean_of_all_subspaces_on_the_way():
    p_s, p_t = subspace(9, 3, 0), subspace(9, 3, 1)
    a, c, theta = turns(p_s, p_t)
    times = (np.arange(2000) + 0.5) / 2000
    ways = [a * np.cos(t * theta) - c * np.sin(t * theta) for t in times]
    np.testing.assert_allclose(kernel(p_s, p_t), np.mean([w @ w.T for w in ways], 0), atol=1e-6)
    end = a * np.cos(theta) - c * np.sin(theta)
    np.testing.assert_allclose(end @ end.T, p_t @ p_t.mT, atol=1e-12)


def test_both_ways_are_one_and_no_way_is_a_projection():
    p_s, p_t = subspace(9, 3, 0), subspace(9, 3, 1)
    torch.testing.assert_close(kernel(p_s, p_t), kernel(p_t, p_s))
    torch.testing.assert_close(kernel(p_s, p_s), p_s @ p_s.mT, rtol=0, atol=1e-7)


def test_more_dimensions_than_half_meet_without_harm():
    p_s, p_t = subspace(5, 4, 0).float(), subspace(5, 4, 1).float()
    g = kernel(p_s, p_t)
    assert g.isfinite().all()
    torch.testing.assert_close(g.trace(), torch.tensor(4.0))
    torch.testing.assert_close(kernel(torch.eye(5), torch.eye(5)), torch.eye(5))


@pytest.mark.parametrize("e", [3, 6])
def test_inner_products_of_mapped_images_are_the_kernel(e):
    f_s, f_t = (normal(60 - i, 8, seed=i) @ normal(8, 8, seed=i + 2) for i in (0, 1))
    f_s, f_t = f_s.float(), f_t.float()
    m = GFK.Hparams(dimensions=e, standardize=True).build(Features(8), 2)
    m.find(f_s, f_t)
    z_s, z_t = ((f - f.mean(0)) / f.std(0) for f in (f_s, f_t))
    p_s, p_t = (principal_directions(z.double(), e) for z in (z_s, z_t))
    expected = z_s.double() @ kernel(p_s, p_t) @ z_t.double().mT
    ours = m.map_source(f_s) @ m.map_target(f_t).mT
    torch.testing.assert_close(ours, expected.float(), rtol=1e-3, atol=1e-3)
    assert m.map_source(f_s).shape == (60, min(2 * e, 8))


def test_what_varies_in_one_domain_alone_counts_half():
    """The way from one axis to an orthogonal one: mean cos² and sin² of a quarter turn."""
    x, y = torch.eye(2)[:, :1], torch.eye(2)[:, 1:]
    g = kernel(x, y)
    torch.testing.assert_close(g.diagonal(), torch.tensor([0.5, 0.5]))
    assert g[0, 1].abs().item() == pytest.approx(1 / torch.pi)


def test_it_needs_more_images_than_dimensions():
    with pytest.raises(ValueError, match=r"dimensions 4 .* 4 images"):
        GFK.Hparams(dimensions=4).build(Features(6), 2).find(torch.randn(4, 6), torch.randn(9, 6))
