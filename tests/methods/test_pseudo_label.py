"""Target images that learn what is predicted for them (Lee 2013)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods.pseudo_label import PseudoLabel
from da.ops.functional import confident_cross_entropy
from tests.conftest import build, normal


def confidence(m, batch) -> float:
    return m.head(m.features(batch)[1]).softmax(1).max(1).values.mean().item()


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_predicted_classes_grow_certain_along_the_loss(batch, part):
    m = build(PseudoLabel)
    before = confidence(m, batch)
    m(batch, 1.0)["pseudo"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= 0.1 * p.grad
    assert confidence(m, batch) > before + 0.003


def test_equals_the_sum_written_by_hand(batch):
    m = build(PseudoLabel, trade_off=0.3)
    f = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    p = m.head(f[8:]).softmax(1)
    expected = {
        "task": F.cross_entropy(m.head(f[:8]), batch.source.y),
        "pseudo": -0.3 * p.max(1).values.log().sum() / 8,
    }
    torch.testing.assert_close(m(batch, 1.0), expected)


def test_the_weight_grows_in_a_straight_line(batch):
    m = build(PseudoLabel)
    at = {progress: m(batch, progress)["pseudo"].item() for progress in (0, 0.1, 0.35, 0.6, 1)}
    assert at[0] == at[0.1] == 0
    assert at[0.35] == pytest.approx(at[1] / 2, rel=1e-5)
    assert at[0.6] == pytest.approx(at[1], rel=1e-5)
    assert at[1] > 0


def test_a_ramp_of_no_length_is_a_step(batch):
    m = build(PseudoLabel, ramp_start=0.5, ramp_end=0.5)
    assert [m.ramp(progress).item() for progress in (0.4, 0.5, 0.6)] == [0, 0, 1]


def test_only_certain_images_count_and_the_others_lower_the_mean():
    logits = torch.tensor([[0.2, 0.8], [0.6, 0.4], [0.9, 0.1]]).log()
    guide = torch.tensor([[0.1, 0.9], [0.6, 0.4], [0.3, 0.7]]).log()
    expected = -torch.tensor([0.8, 0.1]).log().sum() / 3
    torch.testing.assert_close(confident_cross_entropy(logits, guide, 0.7), expected)
    assert confident_cross_entropy(logits, guide, 0.95) == 0


def test_no_gradient_flows_to_the_guide():
    logits, guide = (normal(6, 3, seed=i).requires_grad_() for i in (0, 1))
    confident_cross_entropy(logits, guide, 0.0).backward()
    assert logits.grad.any()
    assert guide.grad is None
