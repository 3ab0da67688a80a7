"""Target predictions that are certain (Grandvalet & Bengio 2004)."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods.entropy_min import EntropyMin
from da.ops.functional import entropy, prediction_entropy
from tests.conftest import build, normal


def uncertainty(m, batch) -> float:
    return entropy(m.head(m.features(batch)[1]).softmax(1)).mean().item()


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_target_predictions_grow_certain_along_the_loss(batch, part):
    m = build(EntropyMin)
    before = uncertainty(m, batch)
    m(batch, 0.5)["entropy"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= 10 * p.grad
    assert uncertainty(m, batch) < before - 0.003


def test_equals_the_sum_written_by_hand(batch):
    m = build(EntropyMin, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = m.head(f[8:]).softmax(1)
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "entropy": -0.3 * (p * p.log()).sum() / 8,
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_entropy_is_that_of_the_probabilities():
    logits = 3 * normal(7, 4)
    torch.testing.assert_close(prediction_entropy(logits), entropy(logits.softmax(1)))
    even = torch.zeros(1, 4, dtype=torch.float64)
    assert prediction_entropy(even).item() == pytest.approx(torch.tensor(4.0).log().item())
    assert gradcheck(prediction_entropy, logits.requires_grad_())


def test_entropy_of_certain_predictions_has_a_gradient():
    logits = torch.tensor([[300.0, 0.0], [0.0, 1.0]], requires_grad=True)
    prediction_entropy(logits).sum().backward()
    assert logits.grad.isfinite().all()
    assert logits.grad[1].any()


@pytest.mark.slow
def test_entropy_equals_pytorch_adapt(peer):
    logits = 3 * normal(7, 4)
    torch.testing.assert_close(prediction_entropy(logits).mean(), peer.EntropyLoss()(logits))
