"""Features whose covariances agree (Sun & Saenko 2016)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods.coral import CORAL
from da.ops.functional import coral
from da.training.engine import train_step
from tests.conftest import build


@pytest.fixture
def stretched(batch):
    """The batch, with target features three times as far from one another."""
    batch.target.x.mul_(3)
    return batch


def gap(m, batch) -> torch.Tensor:
    return coral(*m.features(batch))


def test_the_gap_shrinks_along_the_loss(stretched):
    m = build(CORAL)
    before = gap(m, stretched).item()
    m(stretched, 0.5)["coral"].backward()
    assert all(p.grad.any() for p in m.backbone.parameters())
    with torch.no_grad():
        for p in m.backbone.parameters():
            p -= p.grad
    assert gap(m, stretched).item() < 0.99 * before


def test_training_closes_the_gap(stretched):
    gaps = []
    for trade_off in (0.0, 10.0):
        m = build(CORAL, trade_off=trade_off)
        optimizer = torch.optim.SGD(m.parameters(), 0.05)
        for _ in range(40):
            train_step(m, optimizer, stretched, 0.5)
        gaps.append(gap(m, stretched).item())
    without, adapted = gaps
    assert adapted < without / 3


def test_features_of_both_domains_move(batch):
    f_s, f_t = torch.randn(8, 8, requires_grad=True), torch.randn(8, 8, requires_grad=True)
    m = build(CORAL)
    m.features = lambda batch: (f_s, f_t)
    m(batch, 0.5)["coral"].backward()
    assert f_s.grad.any()
    assert f_t.grad.any()


def test_equals_the_sum_written_by_hand(stretched):
    m = build(CORAL, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([stretched.source.x, stretched.target.x])))
    difference = torch.cov(f[:8].mT) - torch.cov(f[8:].mT)
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), stretched.source.y),
        "coral": 0.3 * torch.linalg.matrix_norm(difference) ** 2 / (4 * 8**2),
    }
    torch.testing.assert_close(m(stretched, 0.5), expected)


def test_the_weight_does_not_change_with_progress(stretched):
    m = build(CORAL)
    torch.testing.assert_close(m(stretched, 0.0), m(stretched, 1.0))
