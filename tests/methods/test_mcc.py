"""Target predictions that do not waver between classes (Jin et al. 2020)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods.mcc import MCC
from da.ops.functional import class_confusion
from da.training.engine import train_step
from tests.conftest import build


def confusion(m, batch) -> float:
    return class_confusion(m.head(m.features(batch)[1]), 1.0).item()


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_confusion_shrinks_along_the_loss(batch, part):
    m = build(MCC, temperature=1.0)
    before = confusion(m, batch)
    m(batch, 0.5)["confusion"].backward()
    moved = list(m.get_submodule(part).parameters())
    assert all(p.grad.any() for p in moved)
    with torch.no_grad():
        for p in moved:
            p -= p.grad
    assert confusion(m, batch) < before - 0.003


def test_training_ends_with_less_confusion(batch):
    left = []
    for trade_off in (0.0, 1.0):
        m = build(MCC, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.5)
        for _ in range(40):
            train_step(m, optimizer, batch, 0.5)
        left.append(confusion(m, batch))
    without, adapted = left
    assert adapted < without / 2


def test_only_target_features_are_confused(batch):
    f_s, f_t = torch.randn(8, 8, requires_grad=True), torch.randn(8, 8, requires_grad=True)
    m = build(MCC)
    m.features = lambda batch: (f_s, f_t)
    m(batch, 0.5)["confusion"].backward()
    assert f_s.grad is None
    assert f_t.grad.any()


def test_equals_the_sum_written_by_hand(batch):
    m = build(MCC, trade_off=0.3, temperature=1.5)
    m.head[0].weight.data.mul_(20)  # so that some predictions are more certain than others
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = (m.head(f[8:]) / 1.5).softmax(1)
    weight = 1 + (p * p.log()).sum(1).exp()
    between = p.mT @ torch.diag(8 * weight / weight.sum()) @ p
    between = between / between.sum(1, keepdim=True)
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "confusion": 0.3 * (between * (1 - torch.eye(3))).sum() / 3,
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_the_weight_does_not_change_with_progress(batch):
    m = build(MCC)
    torch.testing.assert_close(m(batch, 0.0), m(batch, 1.0))
