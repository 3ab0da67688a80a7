"""Transport plans against POT."""

import warnings

import numpy as np
import ot
import pytest
import scipy.optimize
import scipy.sparse
import torch

from da.ops import transport
from da.ops.linalg import squared_distances
from da.ops.transport import exact_plan, normalize_cost, sinkhorn


def domain(n: int, seed: int, move: float = 0.0) -> torch.Tensor:
    return move + torch.randn(n, 4, generator=torch.Generator().manual_seed(seed))


def cost(n: int = 50, m: int = 40) -> torch.Tensor:
    return normalize_cost(squared_distances(domain(n, 0), domain(m, 1, 1.0)), "max")


def pot(c: torch.Tensor, reg: float, iterations: int = 20_000) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it did not converge
        return ot.sinkhorn(
            [], [], c.double().numpy(), reg, "sinkhorn_log", iterations, stopThr=1e-12
        )


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
    by_logarithms, steps_done = transport._by_logarithms, []

    def counted(*args, steps):
        steps_done.append(steps)
        return by_logarithms(*args, steps=steps)

    monkeypatch.setattr(transport, "_by_logarithms", counted)
    sinkhorn(cost(), 0.1)
    assert steps_done == [1]
    plan = sinkhorn(cost(), 0.002, max_iterations=201, tolerance=0.0)
    assert 1 < len(steps_done) < 10
    np.testing.assert_allclose(plan, pot(cost(), 0.002, 201), rtol=1e-2, atol=1e-6)


def test_it_stops_when_the_mass_is_in_place(monkeypatch):
    by_products, calls = transport._by_products, []
    monkeypatch.setattr(
        transport, "_by_products", lambda *a, **k: calls.append(1) or by_products(*a, **k)
    )
    sinkhorn(cost(), 1.0)
    assert len(calls) < 5


@pytest.mark.parametrize("reg", [0.1, 0.002])
def test_batched_plans_equal_one_by_one(reg):
    c = torch.stack([cost(), 0.5 * cost().flip(0)])
    many = sinkhorn(c, reg, max_iterations=101, tolerance=0.0)
    for plan, one in zip(many, c, strict=True):
        expected = sinkhorn(one, reg, max_iterations=101, tolerance=0.0)
        torch.testing.assert_close(plan, expected, rtol=1e-3, atol=1e-7)


@pytest.mark.parametrize("m", [50, 40])
def test_the_exact_plan_is_the_cheapest(m):
    c = cost(50, m)
    plan = exact_plan(c)
    torch.testing.assert_close(plan.sum(1), torch.full((50,), 1 / 50))
    torch.testing.assert_close(plan.sum(0), torch.full((m,), 1 / m))
    assert (plan * c).sum().item() == pytest.approx(linprog_value(c), rel=1e-5)


def linprog_value(c: torch.Tensor) -> float:
    """Least cost by scipy's linear programming."""
    n, m = c.shape
    rows, columns = np.kron(np.eye(n), np.ones((1, m))), np.kron(np.ones((1, n)), np.eye(m))
    mass = np.concatenate([np.full(n, 1 / n), np.full(m, 1 / m)])
    a = scipy.sparse.csr_array(np.concatenate([rows, columns]))
    return scipy.optimize.linprog(c.flatten().double().numpy(), A_eq=a, b_eq=mass).fun


@pytest.mark.parametrize("wrong", [torch.inf, torch.nan])
def test_a_cost_that_is_not_finite_has_no_exact_plan(wrong):
    """POT would warn that the problem is infeasible, and return a plan all the same."""
    cost = torch.rand(3, 4)
    cost[1, 2] = wrong
    assert exact_plan(cost).isnan().all()
