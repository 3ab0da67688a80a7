"""A student that agrees with its own average (French et al. 2018)."""

import copy
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.methods.mean_teacher import MeanTeacher
from da.training.engine import train_step
from tests.conftest import build, normal


def apart(**hp) -> MeanTeacher:
    """A method whose student is not what its teacher is; without noise."""
    m = build(MeanTeacher, **{"feature_dropout": 0.0, "threshold": 0.0} | hp)
    with torch.no_grad():
        for p in m.parameters():
            p += 0.3 * torch.randn(p.shape, generator=torch.Generator().manual_seed(len(p)))
    return m


def gap(m, x) -> float:
    p = m.head(m.embed(x)).softmax(1)
    return (p - m.teacher(x).softmax(1)).square().mean().item()


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_the_student_nears_the_teacher_along_the_loss(batch, part):
    m = apart()
    before = gap(m, batch.target.x)
    m(batch, 0.5)["consistency"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= p.grad
    assert gap(m, batch.target.x) < 0.95 * before


def test_equals_the_sum_written_by_hand(batch):
    m = apart(trade_off=0.3, threshold=0.45)
    f_s, f_t = (m.neck(m.backbone(x)) for x in (batch.source.x, batch.target.x))
    p, q = m.head(f_t).softmax(1), m.teacher(batch.target.x).softmax(1)
    counted = [i for i in range(8) if q[i].max() > 0.45]
    assert 0 < len(counted) < 8
    expected = {
        "task": F.cross_entropy(m.head(f_s), batch.source.y),
        "consistency": 0.3 * sum(F.mse_loss(p[i], q[i]) for i in counted) / 8,
    }
    torch.testing.assert_close(m(batch, 0.5), expected)


def test_the_teacher_is_an_average_of_students(batch):
    """The mean of all at first, later one that forgets."""
    m = build(MeanTeacher, keep=0.75)
    expected = m.teacher.get_buffer("2.0.weight").clone()
    optimizer = torch.optim.SGD(m.parameters(), 0.5)
    for keep in (1 / 2, 2 / 3, 3 / 4, 3 / 4, 3 / 4):
        train_step(m, optimizer, batch, 0.5)
        expected = keep * expected + (1 - keep) * m.head[0].weight.detach()
    torch.testing.assert_close(m.teacher.get_buffer("2.0.weight"), expected)
    assert not m.head[0].weight.allclose(expected)


def test_no_optimizer_and_no_look_moves_the_teacher(batch):
    m = build(MeanTeacher)
    before = copy.deepcopy(m.teacher.state_dict())
    m.eval()(batch, 0.5)
    assert all(before[name].equal(weight) for name, weight in m.teacher.state_dict().items())
    assert not list(m.teacher.parameters())


def test_predictions_are_the_teachers(batch):
    m = apart().eval()
    assert m.predict(batch.target.x).equal(m.teacher(batch.target.x))
    assert m.predict_source(batch.source.x).equal(m.teacher(batch.source.x))
    assert not m.predict(batch.target.x).allclose(m.head(m.embed(batch.target.x)))


def test_no_gradient_flows_through_the_teacher(batch):
    m = apart()
    m(batch, 0.5)["consistency"].backward()
    weights = (*m.teacher.buffers(),)
    assert weights
    assert all(w.grad is None and not w.requires_grad for w in weights)


def test_student_and_teacher_see_features_with_other_losses(batch):
    """Alike at first, they differ by the noise alone."""
    m = build(MeanTeacher, threshold=0.0, feature_dropout=0.5)
    assert m.eval()(batch, 0.5)["consistency"] < 1e-12
    assert m.train()(batch, 0.5)["consistency"] > 1e-6


def test_the_student_sees_the_strong_view_and_the_teacher_the_other(batch):
    m = apart().eval()
    strong = normal(8, 5, seed=3, dtype=torch.float32)
    seen = replace(batch, target=replace(batch.target, strong=strong))
    p, q = m.head(m.embed(strong)).softmax(1), m.teacher(batch.target.x).softmax(1)
    torch.testing.assert_close(m(seen, 0.5)["consistency"], 3 * F.mse_loss(p, q))


def test_evenness_is_the_cross_entropy_of_the_mean_prediction_for_images_that_count(batch):
    m = apart(evenness=0.5, threshold=0.4)
    found = m(batch, 0.5)["evenness"]
    p, q = (
        part.softmax(1) for part in (m.head(m.embed(batch.target.x)), m.predict(batch.target.x))
    )
    share = (q.max(1).values > 0.4).float().mean()
    want = F.binary_cross_entropy(p.mean(0), torch.full((3,), 1 / 3))
    torch.testing.assert_close(found, 0.5 * share * want)


def test_without_a_warm_up_the_first_step_keeps_its_share_too(batch):
    m = build(MeanTeacher, warm_up=False, keep=0.9)
    before = m.teacher.get_buffer("2.0.weight").clone()
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    want = 0.9 * before + 0.1 * m.head[0].weight
    torch.testing.assert_close(m.teacher.get_buffer("2.0.weight"), want)
