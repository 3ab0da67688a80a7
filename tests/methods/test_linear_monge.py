"""The linear Monge map against POT, and against its purpose."""

import numpy as np
import ot
import pytest
import torch
from sklearn.preprocessing import StandardScaler

from da.methods._linear_mapping import LinearMapping
from da.methods.coral_map import CORALMap
from da.methods.linear_monge import LinearMonge
from da.models.backbone import Features
from da.ops.linalg import covariance
from tests.conftest import normal


def domains(n: int = 200, d: int = 5) -> tuple[torch.Tensor, torch.Tensor]:
    """Features with covariances that do not commute, and other means and units."""
    f_s, f_t = (normal(n, d, seed=s) @ normal(d, d, seed=s + 2) for s in (0, 1))
    return (f_s + 2).float(), (3 * f_t - 1).float()


def found(kind: type[LinearMapping], f_s: torch.Tensor, f_t: torch.Tensor, ridge: float):
    m = kind.Hparams(ridge=ridge, standardize=True).build(Features(f_s.shape[1]), 2)
    m.find(f_s, f_t)
    return m


def standardized(f: torch.Tensor) -> torch.Tensor:
    return (f - f.mean(0)) / f.std(0)


@pytest.mark.parametrize("n", [200, 4])
@pytest.mark.parametrize("ridge", [1.0, 0.01])
def test_map_equals_pot(ridge, n):
    f_s, f_t = domains(n)
    z_s, z_t = (StandardScaler().fit_transform(f.double()) for f in (f_s, f_t))
    peer = ot.da.LinearTransport(reg=ridge).fit(Xs=z_s, Xt=z_t)  # divides by n, as the scaler
    ours = found(LinearMonge, f_s, f_t, ridge).map_source(f_s)
    expected = peer.transform(Xs=z_s) * np.sqrt(1 - 1 / n)
    np.testing.assert_allclose(ours, expected, rtol=1e-3, atol=1e-3)


def test_covariance_becomes_that_of_the_target():
    f_s, f_t = domains()
    m = found(LinearMonge, f_s, f_t, 1e-6)
    c_s, c_t = covariance(m.map_source(f_s)), covariance(m.map_target(f_t))
    torch.testing.assert_close(c_s, c_t, rtol=1e-3, atol=1e-3)
    assert (covariance(standardized(f_s)) - c_t).abs().max() > 0.3


def test_it_moves_images_less_than_coral_does():
    f_s, f_t = domains()
    monge, coral = (
        (found(kind, f_s, f_t, 1e-4).map_source(f_s) - standardized(f_s)).square().sum()
        for kind in (LinearMonge, CORALMap)
    )
    assert monge < 0.95 * coral


def test_it_is_the_gradient_of_a_convex_function():
    z_s, z_t = (standardized(f) for f in domains())
    a, nothing = LinearMonge.Hparams().build(Features(5), 2).maps(z_s, z_t)
    torch.testing.assert_close(a, a.mT, rtol=1e-4, atol=1e-4)
    assert torch.linalg.eigvalsh(a).min() > 0
    assert nothing is None


def test_equal_domains_stay():
    f, _ = domains()
    m = found(LinearMonge, f, f, 1.0)
    torch.testing.assert_close(m.map_source(f), standardized(f), rtol=1e-3, atol=1e-3)
