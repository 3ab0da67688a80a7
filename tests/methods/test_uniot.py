import numpy as np
import pytest
import torch
import torch.nn.functional as F

from da.methods._adaptive_filling import Plan, adapt_plan
from da.methods.uniot import UniOT
from da.ops.unbalanced_transport import unbalanced_sinkhorn
from da.training.engine import train_step
from tests.conftest import build
from tests.contracts.test_known_shift import CROSS, SMALLEST, strangers, target_accuracy


def unit(*angles: float) -> torch.Tensor:
    turn = torch.tensor(angles).deg2rad()
    return torch.stack([turn.cos(), turn.sin()], 1)


def test_cluster_loss_is_that_of_the_formula(batch):
    """Assignments by three rounds over a matrix of clusters by images, as in SwAV."""
    m = build(UniOT, clusters=5)
    f = m.features(batch)[1]
    u, w = F.normalize(f), F.normalize(m.clusters.weight)
    cosines = u @ u.mT - 2 * torch.eye(8)
    near = u[cosines.argmax(1)]
    every = torch.cat([u, near, m.memory.f[[0, 1, 3, 4, 6]]]) @ w.mT
    q = np.exp(every.detach().double().numpy() / 0.05).T
    for _ in range(3):
        q /= q.sum(1, keepdims=True)
        q /= q.sum(0, keepdims=True)
    q = torch.from_numpy(q.T).float()
    p, p_near = (every[:8] / 0.1).log_softmax(1), (every[8:16] / 0.1).log_softmax(1)
    swapped = (-(q[8:16] * p).sum(1) - (q[:8] * p_near).sum(1)) / 2
    expected = (swapped.mean() - (q[:8] * p).sum(1).mean()) / 2
    torch.testing.assert_close(m.cluster_loss(f, batch.target.index), expected)


def test_images_that_are_moved_learn_their_class(batch, monkeypatch):
    m = build(UniOT)
    moved = torch.zeros(16, 3)
    moved[8:, 0] = torch.tensor([0.3, 0.2, 0.1, 0.06, 0.05, 0.0, 0.0, 0.0])
    moved[9, 1], moved[10, 0], moved[10, 2] = 0.29, 0.0, 0.1
    monkeypatch.setattr(m, "plan", lambda f: Plan(moved / moved.sum(), 0))
    z = torch.randn(8, 3)
    found = m.common_loss(torch.randn(8, 8), z, torch.arange(8))
    y = torch.tensor([0, 1, 2, 0, 0, 0, 0, 0])
    mass = moved.sum(0) / moved.sum()
    right = (moved.amax(1)[8:] * 16 / moved.sum() > 1) & (mass >= 1 / 3)[y]
    expected = F.cross_entropy(z[right], y[right])
    torch.testing.assert_close(found, expected)
    torch.testing.assert_close(m._mass, mass)


def test_where_few_are_near_confident_images_are_repeated():
    images, prototypes = unit(0, 100, 110, 120, 130), unit(0, -90)
    plan = adapt_plan(images, prototypes, torch.tensor([0.5, 0.5]), 0.7)
    first = unbalanced_sinkhorn(-(images @ prototypes.mT), torch.tensor([0.5, 0.5]), 0.01, 0.5)
    sure = (first / first.sum()).amax(1) > 1 / 5
    assert sure.tolist() == [True, False, False, False, False]
    assert plan.filled == 3
    torch.testing.assert_close(plan.moved[:4], plan.moved[3].expand(4, 2))
    assert plan.moved.sum().item() == pytest.approx(1)


def test_where_most_are_near_images_between_them_and_far_prototypes_are_filled_in():
    images, prototypes = unit(0, 10, 80, 100), unit(0, 90)
    plan = adapt_plan(images, prototypes, torch.tensor([0.5, 0.5]), 0.7)
    assert plan.filled == 4
    between = unit(45, 50, 40, 50) @ prototypes.mT  # 100 degrees are farthest from 0
    every = torch.cat([between, images @ prototypes.mT])
    expected = unbalanced_sinkhorn(-every, torch.tensor([0.5, 0.5]), 0.01, 0.5)
    torch.testing.assert_close(plan.moved, expected / expected.sum(), rtol=1e-3, atol=1e-5)


def test_images_are_unknown_that_the_plan_moves_little_of():
    m = build(UniOT, closeness=0.3).eval()
    m.head[0].weight.data = torch.eye(3, 8)
    f = torch.eye(8)[[0, 1, 2, 0, 6, 7, 6, 7]]
    assert (m.score_unknown(f, m.head(f)) > 0.5).tolist() == [False] * 4 + [True] * 4


def test_masses_move_after_a_step_and_not_in_a_loss(batch):
    m = build(UniOT, inertia=0.5)
    optimizer = torch.optim.SGD(m.parameters(), 0.0)
    m(batch, 0.5)
    assert m.mass.equal(torch.full((3,), 1 / 3))
    train_step(m, optimizer, batch, 0.0)
    assert m.mass.equal(torch.full((3,), 1 / 3))
    train_step(m, optimizer, batch, 0.5)
    torch.testing.assert_close(m.mass, (1 / 3 + m._mass) / 2)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_transport_and_clusters_bring_a_target_back_that_moved_far(seed):
    shift = strangers(*((*place, 0) for place in CROSS), (0, 0, 2), shift=(1.4, 1.4, 0))
    same = {"frozen": False, "network": SMALLEST, "closeness": 0.5, "inertia": 1.0}
    without = target_accuracy("uniot", shift, seed, **same, trade_off=0.0)
    assert target_accuracy("uniot", shift, seed, **same, trade_off=1.0) > without + 5
