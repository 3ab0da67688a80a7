"""Features of both domains that lie far from zero (Xu et al. 2019)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.afn import AFN
from da.models.backbones.mlp import MLP
from da.training.engine import train_step
from tests.conftest import build, normal


def norms(m, batch) -> torch.Tensor:
    return torch.cat(m.features(batch)).norm(dim=1)


@pytest.mark.parametrize("hard", [False, True])
def test_norms_grow_along_the_loss(batch, hard):
    m = build(AFN, hard=hard)
    before = norms(m, batch).mean().item()
    m(batch, 0.5)["norm"].backward()
    moved = list(m.neck.parameters())[1:]  # a bias just before batch norm cannot matter
    with torch.no_grad():
        for p in moved:
            p -= 0.1 * p.grad
    assert norms(m, batch).mean().item() > before + 0.005


def test_training_ends_farther_from_zero(batch):
    left = []
    for trade_off in (0.0, 0.05):
        m = build(AFN, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.1)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        left.append([f.norm(dim=1).mean() for f in m.features(batch)])
    for without, adapted in zip(*left, strict=True):  # in the source and in the target
        assert adapted > 1.1 * without


def test_hard_norms_reach_the_radius_and_stay(batch):
    m = build(AFN, hard=True, radius=4.0)
    optimizer = torch.optim.SGD(m.parameters(), 0.2)
    for _ in range(100):
        train_step(m, optimizer, batch, 0.5)
    assert norms(m, batch).mean().item() == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("hard", [False, True])
def test_equals_the_sum_written_by_hand(batch, hard):
    m = build(AFN, trade_off=0.3, step=0.7, hard=hard, radius=5.0)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    length = (f**2).sum(1).sqrt()
    pulled = sum((half.mean() - 5) ** 2 for half in length.split(8))
    norm = pulled if hard else 2 * 0.7**2
    expected = {"task": F.cross_entropy(m.head(f[:8]), batch.source.y), "norm": 0.3 * norm}
    found = m(batch, 0.5)
    torch.testing.assert_close(found, {k: torch.as_tensor(v) for k, v in expected.items()})


def test_entropy_of_target_predictions_is_one_more_loss(batch):
    m = build(AFN, entropy_trade_off=0.1)
    p = m.head(m.features(batch)[1]).softmax(1)
    torch.testing.assert_close(m(batch, 0.5)["entropy"], -0.1 * (p * p.log()).sum(1).mean())


def test_stepwise_gradient_grows_each_norm_alike():
    f = normal(5, 3, dtype=torch.float32).requires_grad_()
    build(AFN, step=0.7).shortfall(f).backward()
    expected = -2 * 0.7 / 5 * f.detach() / f.detach().norm(dim=1, keepdim=True)
    torch.testing.assert_close(f.grad, expected)


def test_features_that_are_zero_have_a_finite_gradient():
    f = torch.zeros(2, 3, requires_grad=True)
    build(AFN).shortfall(f).backward()
    assert f.grad.isfinite().all()


def test_dropout_preserves_the_squared_norm_on_average():
    torch.manual_seed(0)
    m = AFN.Hparams().build(MLP(5, 16), 3, Network(neck=1000, dropout=0.5, neck_norm=False))
    x = torch.randn(200, 5)
    dropped = m.embed(x).square().sum(1).mean()
    torch.testing.assert_close(dropped, m.eval().embed(x).square().sum(1).mean(), rtol=0.02, atol=0)


@pytest.mark.slow
def test_shortfall_equals_pytorch_adapt(peer):
    f = normal(6, 4, dtype=torch.float32).requires_grad_()
    ours = torch.autograd.grad(build(AFN, step=0.7).shortfall(f), f)
    theirs = torch.autograd.grad(peer.AdaptiveFeatureNorm(step_size=0.7)(f), f)
    torch.testing.assert_close(ours, theirs)
