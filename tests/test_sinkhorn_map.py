"""Transport plans and maps against POT, and against their purpose."""

import warnings

import numpy as np
import ot
import pytest
import torch

from conftest import points
from da import train
from da.backbones import Features
from da.functional import squared_distances
from da.methods import sinkhorn_map
from da.methods.sinkhorn_map import SinkhornMap, normalised, sinkhorn


def domain(n: int, seed: int, move: float = 0.0) -> torch.Tensor:
    return move + torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))


def cost(n: int = 50, m: int = 40) -> torch.Tensor:
    return normalised(squared_distances(domain(n, 0), domain(m, 1, 1.0)), "max")


def pot(c: torch.Tensor, reg: float, iterations: int = 20_000) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge
        return ot.sinkhorn(
            [], [], c.double().numpy(), reg, "sinkhorn_log", iterations, stopThr=1e-12
        )


def mapped(x_s: torch.Tensor, x_t: torch.Tensor, **hp) -> tuple[torch.Tensor, torch.Tensor]:
    """Source and target features, in their own units; the first half of each trains."""
    m = SinkhornMap.Hparams(**hp).build(Features(x_s.shape[1]), 2)
    pair = (points(x, torch.arange(len(x)) % 2) for x in (x_s, x_t))
    task = train.prepare(m, "moons:0-1", *pair)
    x_s, x_t = (images.x * m.spread + m.mean for images in (task.source_train, task.target_train))
    return x_s, x_t


@pytest.mark.parametrize("reg", [1.0, 0.1, 0.03])
def test_plan_equals_pot(reg):
    # Entries are compared with 1 / (n m), what they would be if all went everywhere.
    ours = 50 * 40 * sinkhorn(cost(), reg, max_iterations=20_000).numpy()
    np.testing.assert_allclose(ours, 50 * 40 * pot(cost(), reg), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("iterations", [1, 2, 14])
def test_plan_equals_pot_after_as_many_iterations(iterations):
    ours = 50 * 40 * sinkhorn(cost(), 0.02, max_iterations=iterations, tolerance=0.0).numpy()
    np.testing.assert_allclose(ours, 50 * 40 * pot(cost(), 0.02, iterations), rtol=1e-4, atol=1e-5)


def test_rows_and_columns_carry_the_mass_of_the_images():
    plan = sinkhorn(cost(), 0.05)
    torch.testing.assert_close(plan.sum(1), torch.full((50,), 1 / 50), rtol=1e-5, atol=0)
    assert (plan.sum(0) - 1 / 40).abs().sum() < 1.1e-6


@pytest.mark.slow
def test_a_small_reg_overflows_nothing_and_gives_the_exact_plan():
    c = cost(40, 40)
    plan = sinkhorn(c, 1e-4, max_iterations=5000)
    assert plan.isfinite().all()
    exact = ot.emd2([], [], c.double().numpy())
    assert (plan * c).sum() == pytest.approx(exact, rel=1e-3)


def test_steps_are_done_by_logarithms_where_products_overflow(monkeypatch):
    by_logarithms, steps_done = sinkhorn_map._by_logarithms, []

    def counted(*args, steps):
        steps_done.append(steps)
        return by_logarithms(*args, steps=steps)

    monkeypatch.setattr(sinkhorn_map, "_by_logarithms", counted)
    sinkhorn(cost(), 0.1)
    assert steps_done == [1]
    plan = sinkhorn(cost(), 0.002, max_iterations=201, tolerance=0.0)
    assert 1 < len(steps_done) < 10
    np.testing.assert_allclose(plan, pot(cost(), 0.002, 201), rtol=1e-2, atol=1e-6)


def test_it_stops_when_the_mass_is_in_place(monkeypatch):
    by_products, looks = sinkhorn_map._by_products, []
    monkeypatch.setattr(
        sinkhorn_map, "_by_products", lambda *a, **k: looks.append(1) or by_products(*a, **k)
    )
    sinkhorn(cost(), 1.0)
    assert len(looks) < 5


@pytest.mark.parametrize("reg", [0.1, 0.002])
def test_batched_plans_equal_one_by_one(reg):
    c = torch.stack([cost(), 0.5 * cost().flip(0)])
    many = sinkhorn(c, reg, max_iterations=101, tolerance=0.0)
    for plan, one in zip(many, c, strict=True):
        expected = sinkhorn(one, reg, max_iterations=101, tolerance=0.0)
        torch.testing.assert_close(plan, expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("norm", ["max", "median", None])
def test_maps_equal_pot(norm):
    x_s, x_t = domain(60, 0), domain(40, 1, 1.0)
    reg = 0.05 if norm else 0.5
    ours, target = mapped(x_s, x_t, reg=reg, norm=norm or "none")
    peer = ot.da.SinkhornTransport(
        reg_e=reg, norm=norm, out_of_sample_map="ferradans", max_iter=5000, tol=1e-10
    )
    peer.fit(Xs=x_s[:30].double().numpy(), Xt=x_t[:20].double().numpy())
    if norm == "median":  # of an even number of entries it has the mean of the middle two
        peer_median = np.median(squared_distances(x_s[:30], x_t[:20]))
        assert peer.norm_cost_ == pytest.approx(peer_median, rel=1e-4)
    for rows in (slice(0, 30), slice(30, 60)):  # images that the plan was made of, and others
        expected = peer.transform(Xs=x_s[rows].double().numpy())
        np.testing.assert_allclose(ours[rows], expected, rtol=2e-3, atol=2e-3)
    torch.testing.assert_close(target, x_t)


def test_a_moved_source_lands_on_its_target():
    x = domain(80, 0)
    ours, target = mapped(x + 3, x, reg=1e-3, max_iterations=3000)
    before, after = ((f[:40] - target[:40]).norm(dim=1).mean() for f in (x + 3, ours))
    assert after < 0.05 * before


def test_a_large_reg_sends_all_to_the_mean_of_the_target():
    ours, target = mapped(domain(40, 0), domain(40, 1), reg=1e3)
    torch.testing.assert_close(ours[:20], target[:20].mean(0).expand(20, 4), atol=1e-2, rtol=0)


def test_units_of_distance_do_not_matter_where_it_is_normalised():
    x_s, x_t = domain(40, 0), domain(40, 1, 1.0)
    for norm in ("max", "median"):
        one, ten = (mapped(s * x_s, s * x_t, norm=norm)[0] for s in (1, 10))
        torch.testing.assert_close(ten, 10 * one, rtol=1e-3, atol=1e-3)


def test_target_images_have_mean_0_and_variance_1_for_the_head():
    m = SinkhornMap.Hparams().build(Features(4), 2)
    x_s, x_t = domain(40, 0), 5 * domain(40, 1, 1.0)
    m.find(x_s, x_t)
    torch.testing.assert_close(m.map_target(x_t).mean(0), torch.zeros(4), rtol=0, atol=1e-5)
    torch.testing.assert_close(m.map_target(x_t).std(0), torch.ones(4))
