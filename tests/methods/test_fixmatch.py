"""Strong views that learn what is certain in weak ones (Sohn et al. 2020)."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.methods.fixmatch import FixMatch
from tests.conftest import build, normal


@pytest.fixture
def seen(batch):
    """A batch that has strong views."""
    strong = batch.target.x + 0.3 * normal(8, 5, seed=3, dtype=torch.float32)
    return replace(batch, target=replace(batch.target, strong=strong))


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_strong_views_turn_to_the_weak_views_classes_along_the_loss(seen, part):
    m = build(FixMatch, threshold=0.0)
    y = m.head(m.features(seen)[1]).argmax(1)

    def apart() -> float:
        return F.cross_entropy(m.head(m.embed(seen.target.strong)), y).item()

    before = apart()
    m(seen, 0.5)["strong"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= 0.3 * p.grad
    assert apart() < before - 0.01


def test_equals_the_sum_written_by_hand(seen):
    m = build(FixMatch, trade_off=0.3, threshold=0.45)
    f = m.neck(m.backbone(torch.cat([seen.source.x, seen.target.x])))
    q, p = m.head(f[8:]).softmax(1), m.head(m.embed(seen.target.strong)).softmax(1)
    counted = [i for i in range(8) if q[i].max() >= 0.45]
    assert 0 < len(counted) < 8
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), seen.source.y),
        "strong": -0.3 * sum(p[i, q[i].argmax()].log() for i in counted) / 8,
    }
    torch.testing.assert_close(m(seen, 0.5), expected)


def test_no_gradient_flows_through_the_weak_view(seen):
    m = build(FixMatch, threshold=0.0)
    weak = torch.randn(8, 8, requires_grad=True)
    m.features = lambda batch: (torch.randn(8, 8), weak)
    m(seen, 0.5)["strong"].backward()
    assert weak.grad is None
    assert m.backbone[0].weight.grad.any()


def test_a_feature_space_view_has_lost_features(batch):
    """Which are drawn anew in training, and all there when a method is looked at."""
    m = build(FixMatch, threshold=0.0)
    first, second = (m(batch, 0.5)["strong"] for _ in range(2))
    assert first != second
    m.eval()
    logits = m.head(m.embed(batch.target.x))
    expected = F.cross_entropy(logits, logits.argmax(1))
    torch.testing.assert_close(m(batch, 0.5)["strong"], expected)
