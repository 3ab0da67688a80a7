import pytest
import torch

from da.ops.unbalanced_transport import unbalanced_sinkhorn


@pytest.mark.filterwarnings("ignore:If reg_type")
@pytest.mark.parametrize("reg", [0.01, 0.2])
def test_equals_pot(reg):
    ot = pytest.importorskip("ot")
    g = torch.Generator().manual_seed(0)
    cost = 2 * torch.rand(7, 4, generator=g, dtype=torch.float64) - 1
    b = torch.tensor([0.1, 0.2, 0.3, 0.4], dtype=torch.float64)
    a = torch.full((7,), 1 / 7, dtype=torch.float64)
    exact = {"reg_type": "entropy", "numItermax": 100_000, "stopThr": 1e-12}
    theirs = ot.unbalanced.sinkhorn_knopp_unbalanced(a, b, cost, reg, 0.5, **exact)
    ours = unbalanced_sinkhorn(cost, b, reg, 0.5, max_iterations=100_000, tolerance=1e-12)
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=1e-12)


def test_mass_is_left_behind_where_it_costs_too_much():
    cost = torch.tensor([[-1.0, 1.0], [1.0, 1.0]])
    plan = unbalanced_sinkhorn(cost, torch.tensor([0.5, 0.5]), 0.01, 0.5)
    assert plan[0, 0] > 0.5
    assert plan[1].sum() < plan[0].sum() / 3
