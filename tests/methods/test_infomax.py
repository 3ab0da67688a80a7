"""Target predictions that are certain and of many classes (Krause et al. 2010)."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck

from da.methods.infomax import InfoMax
from da.ops.functional import entropy, marginal_entropy
from tests.conftest import build, normal


def of_one_and_of_all(m, batch) -> tuple[float, float]:
    """Mean entropy of a prediction, and entropy of the mean prediction."""
    p = m.head(m.features(batch)[1]).softmax(1)
    return entropy(p).mean().item(), entropy(p.mean(0, keepdim=True)).item()


def after_moving_along(loss: str, batch) -> tuple[float, float, float, float]:
    m = build(InfoMax)
    m.head[0].bias.data[0] = 1  # so that classes are not predicted evenly
    before = of_one_and_of_all(m, batch)
    m(batch, 0.5)[loss].backward()
    with torch.no_grad():
        for p in m.head.parameters():
            p -= p.grad
    return *before, *of_one_and_of_all(m, batch)


def test_each_prediction_grows_certain_along_the_entropy(batch):
    before, _, after, _ = after_moving_along("entropy", batch)
    assert after < before - 0.01


def test_classes_even_out_along_the_diversity(batch):
    _, before, _, after = after_moving_along("diversity", batch)
    assert after > before + 0.01


def test_equals_the_sum_written_by_hand(batch):
    m = build(InfoMax, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = m.head(f[8:]).softmax(1)
    mean = p.sum(0) / 8
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "entropy": -0.3 * (p * p.log()).sum() / 8,
        "diversity": 0.3 * (mean * mean.log()).sum(),
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_marginal_entropy_is_largest_for_even_classes():
    one_each, all_one = 50 * torch.eye(3), 50 * torch.eye(3)[[0, 0, 0]]
    assert marginal_entropy(one_each).item() == pytest.approx(torch.tensor(3.0).log().item())
    assert marginal_entropy(all_one).item() == pytest.approx(0, abs=1e-6)
    assert gradcheck(marginal_entropy, (3 * normal(7, 4)).requires_grad_())


def test_a_class_that_nobody_predicts_has_a_gradient():
    logits = torch.tensor([[300.0, 0.0], [300.0, 0.0]], requires_grad=True)
    marginal_entropy(logits).backward()
    assert logits.grad.isfinite().all()


@pytest.mark.slow
def test_marginal_entropy_equals_pytorch_adapt(peer):
    logits = 3 * normal(7, 4)
    torch.testing.assert_close(-marginal_entropy(logits), peer.DiversityLoss()(logits))
