"""Pseudo-labels that come as often as the source's classes (Berthelot et al. 2022)."""

import copy
import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from da.methods.adamatch import AdaMatch, align, ramp
from da.training.engine import train_step
from tests.conftest import build


def sgd(m: nn.Module) -> torch.optim.Optimizer:
    return torch.optim.SGD(m.parameters(), 0.1)


def test_aligned_predictions_have_the_classes_of_the_source():
    p = torch.tensor([[0.5, 0.4, 0.1], [0.2, 0.2, 0.6]])
    source, target = torch.tensor([0.2, 0.2, 0.6]), torch.tensor([0.6, 0.2, 0.2])
    raw = torch.tensor([[0.5 / 3, 0.4, 0.3], [0.2 / 3, 0.2, 1.8]])
    expected = raw / raw.sum(1, keepdim=True)
    torch.testing.assert_close(align(p, source, target), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.25, 0.5, 0.9])
def test_the_weight_rises_to_half_of_the_training(progress):
    expected = 0.5 - math.cos(min(math.pi, 2 * math.pi * progress)) / 2
    assert ramp(progress).item() == pytest.approx(expected, abs=1e-6)


def test_losses_are_those_of_the_formula(batch):
    """In evaluation mode nothing is drawn, and a strong view is the image itself."""
    m = build(AdaMatch, threshold=0.95).eval()
    m.p_source, m.p_target = torch.tensor([0.2, 0.3, 0.5]), torch.tensor([0.5, 0.3, 0.2])
    m.steps = torch.tensor(9999.0)
    z_s, z_t = m.head(m.embed(batch.source.x)), m.head(m.embed(batch.target.x))
    p_s, p_t = z_s.softmax(1), z_t.softmax(1)
    now_s = 0.999 * m.p_source + 0.001 * p_s.mean(0)
    now_t = 127 / 128 * m.p_target + p_t.mean(0) / 128
    loss, limit = 0.0, 0.95 * p_s.max(1).values.mean()
    for z, p in zip(z_t, p_t * (now_s + 1e-6) / (now_t + 1e-6), strict=True):
        q = p / p.sum()
        if q.max() >= limit:
            loss += F.nll_loss(z.log_softmax(0), q.argmax()) / len(z_t)
    found = m(batch, 0.5)
    assert loss > 0
    torch.testing.assert_close(found["strong"], loss)
    torch.testing.assert_close(found["task"], F.cross_entropy(z_s, batch.source.y))


def test_source_logits_lie_between_those_with_and_without_the_target(batch):
    m = build(AdaMatch)
    m.drop = nn.Identity()
    x_s, x_t = batch.source.x, batch.target.x
    twin = copy.deepcopy(m)
    alone = twin.head(twin.embed(x_s))
    joint = twin.head(twin.embed(torch.cat([x_s, x_s, x_t, x_t])))[: len(x_s)]
    of_source = m._logits(batch)[0]
    for view in of_source.chunk(2):
        share = (view - joint) / (alone - joint)
        assert share.min() > -1e-3
        assert share.max() < 1 + 1e-3
        assert share.std() > 0.1


def test_the_pass_without_the_target_leaves_no_statistics(batch):
    m = build(AdaMatch)
    m.drop = nn.Identity()
    twin = copy.deepcopy(m)
    x_s, x_t = batch.source.x, batch.target.x
    twin.embed(torch.cat([x_s, x_s, x_t, x_t]))
    m(batch, 0.5)
    torch.testing.assert_close(m.neck[1].running_mean, twin.neck[1].running_mean)
    assert m.neck[1].momentum == twin.neck[1].momentum


def test_predictions_are_of_weights_that_follow(batch):
    m = build(AdaMatch, keep=0.9)
    first = copy.deepcopy(m.head[0].weight.data)
    train_step(m, sgd(m), batch, 0.5)
    expected = first.lerp(m.head[0].weight.data, 9 / 11)
    torch.testing.assert_close(m.teacher[2][0].weight, expected)
    assert m.teacher[1][1].running_mean.equal(m.neck[1].running_mean)
    assert m.p_target.allclose(m.seen[1])
    assert not m.p_target.allclose(torch.full((3,), 1 / 3))
