"""Features and predictions whose joint distributions agree (Long et al. 2017)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods.jan import JAN
from da.ops.kernels import gaussian_kernel, mmd
from da.training.engine import train_step
from tests.conftest import build, normal


def gap(m, batch) -> torch.Tensor:
    f = torch.cat(m.features(batch))
    p = m.head(f).softmax(1)
    return mmd(gaussian_kernel(f) * gaussian_kernel(p, (1.0,), width=1.68), 8)


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_the_gap_shrinks_along_the_loss(batch, part):
    m = build(JAN)
    m.head[0].weight.data.mul_(10)  # so that predictions differ
    before = gap(m, batch).item()
    m(batch, 0.5)["jmmd"].backward()
    moved = list(m.get_submodule(part).parameters())
    assert all(p.grad.any() for p in moved)
    with torch.no_grad():
        for p in moved:
            p -= 0.1 * p.grad
    assert gap(m, batch).item() < before - 0.003


def test_training_closes_the_gap(batch):
    gaps = []
    for trade_off in (0.0, 1.0):
        m = build(JAN, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.05)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        gaps.append(gap(m, batch).item())
    without, adapted = gaps
    assert adapted < without / 3


def test_equals_the_sum_written_by_hand(batch):
    m = build(JAN, trade_off=0.3, prediction_width=0.5)
    m.head[0].weight.data.mul_(10)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = m.head(f).softmax(1)
    d_f, d_p = torch.cdist(f, f) ** 2, torch.cdist(p, p) ** 2
    width = d_f.sum().item() / (16 * 15)
    k = sum(torch.exp(-d_f / (width * 2**i)) for i in range(-2, 3)) * torch.exp(-d_p / 0.5)
    k = k * (1 - torch.eye(16))
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "jmmd": 0.3 * ((k[:8, :8].sum() + k[8:, 8:].sum()) / 56 - 2 * k[:8, 8:].mean()),
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_swapped_predictions_are_seen_where_each_layer_alone_agrees():
    """Both domains have the same features and the same predictions, in other pairs."""
    f = normal(20, 1).repeat(2, 1)
    p = F.one_hot((f[:, 0] > 0).long()).to(f)
    p = torch.cat([p[:20], p[20:].flip(1)])
    k_f, k_p = gaussian_kernel(f), gaussian_kernel(p, (1.0,), width=1.68)
    assert max(mmd(k_f, 20), mmd(k_p, 20)) < 0  # as of one set twice, where pairs with itself count
    assert mmd(k_f * k_p, 20) > 1


def test_adversary_climbs_what_features_descend(batch):
    m, plain = build(JAN, adversarial=True), build(JAN)
    loss = m(batch, 0.5)["jmmd"]
    torch.testing.assert_close(loss, plain(batch, 0.5)["jmmd"])  # it begins as an identity
    loss.backward()
    plain(batch, 0.5)["jmmd"].backward()
    torch.testing.assert_close(m.backbone[0].weight.grad, plain.backbone[0].weight.grad)
    with torch.no_grad():
        for p in m.theta_features.parameters():
            p -= p.grad
    assert m(batch, 0.5)["jmmd"] > loss + 1e-4


@pytest.mark.slow
def test_joint_mmd_equals_pytorch_adapt(peer):
    """It takes the same kernels for all layers, and averages them."""
    scales = torch.tensor([0.25, 0.5, 1.0, 2.0, 4.0], dtype=torch.float64)
    layers = [(normal(6, 4), normal(6, 4, seed=1)), (normal(6, 3, seed=2), normal(6, 3, seed=3))]
    source, target = zip(*layers, strict=True)
    theirs = peer.MMDLoss(scales, "quadratic", bandwidth=2.0)([*source], [*target])
    one, two = (gaussian_kernel(torch.cat(layer), width=2.0) for layer in layers)
    torch.testing.assert_close(mmd(one * two, 6), 25 * theirs)
