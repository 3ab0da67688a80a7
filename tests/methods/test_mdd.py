"""A second head that agrees on the source and not on the target (Zhang et al. 2019)."""

import copy

import pytest
import torch
import torch.nn.functional as F

from da.methods.mdd import MDD
from da.ops.functional import cross_entropy_against, grl_warmup
from da.training.engine import train_step
from tests.conftest import build, normal


def disparity(m, batch) -> float:
    return m(batch, 1.0)["disparity"].item()


def moved(m, part, batch) -> float:
    """The disparity after `part` alone has gone down its gradient."""
    params = list(part.parameters())
    grads = torch.autograd.grad(m(batch, 1.0)["disparity"], params)
    before = [p.detach().clone() for p in params]
    with torch.no_grad():
        for p, grad in zip(params, grads, strict=True):
            p -= 0.05 * grad
        after = disparity(m, batch)
        for p, old in zip(params, before, strict=True):
            p.copy_(old)
    return after


def test_backbone_climbs_the_disparity_that_the_rival_descends(batch):
    m = build(MDD, trade_off=1.0)
    now = disparity(m, batch)
    assert moved(m, m.rival, batch) < now
    assert moved(m, m.backbone, batch) > now


def test_rival_learns_to_agree_on_the_source_and_to_part_on_the_target(batch):
    m = build(MDD)
    f_s, f_t = (f.detach() for f in m.features(batch))
    m.features = lambda batch: (f_s, f_t)
    optimizer = torch.optim.SGD(m.rival.parameters(), 0.1)
    for _ in range(200):
        optimizer.zero_grad()
        m(batch, 1.0)["disparity"].backward()
        optimizer.step()
    agree_s, agree_t = (
        (m.head(f).argmax(1) == m.rival(f).argmax(1)).float().mean() for f in (f_s, f_t)
    )
    assert agree_s > 0.7
    assert agree_t < 0.2


def test_disparity_leaves_the_first_head_alone(batch):
    m = build(MDD)
    m(batch, 1.0)["disparity"].backward()
    assert all(p.grad is None for p in m.head.parameters())
    assert all(p.grad.any() for p in m.rival.parameters())


@pytest.mark.parametrize(("trade_off", "progress"), [(0.0, 1.0), (1.0, 0.0)])
def test_features_are_left_alone_without_strength(batch, trade_off, progress):
    m = build(MDD, trade_off=trade_off)
    assert m.strength(progress) == 0
    m(batch, progress)["disparity"].backward()
    assert not m.backbone[0].weight.grad.any()


def test_gamma_weighs_the_source(batch):
    low, high = (build(MDD, gamma=gamma)(batch, 0.5)["disparity"] for gamma in (1.0, 4.0))
    m = build(MDD)
    f_s, _ = m.features(batch)
    agree = F.cross_entropy(m.rival(f_s), m.head(f_s).argmax(1))
    torch.testing.assert_close(high - low, 3 * agree)


def test_cross_entropy_against_by_hand():
    p, y = torch.tensor([[0.7, 0.2, 0.1], [0.5, 0.3, 0.2]]), torch.tensor([0, 2])
    expected = -(torch.tensor([0.3, 0.8]).log()).mean()
    torch.testing.assert_close(cross_entropy_against(p.log(), y), expected)


def test_cross_entropy_against_is_finite_where_a_class_is_certain():
    logits = torch.tensor([[300.0, 0.0, -5.0]], requires_grad=True)
    loss = cross_entropy_against(logits, torch.tensor([0]))
    assert loss.item() == pytest.approx(300, rel=0.01)
    loss.backward()
    assert logits.grad.isfinite().all()


def test_cross_entropy_against_has_the_right_gradient():
    y = torch.tensor([0, 2, 1])
    logits = normal(3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: cross_entropy_against(x, y), logits)


def test_equals_a_step_written_by_hand(batch):
    m = build(MDD, trade_off=0.5, steepness=20)
    ref = copy.deepcopy(m)
    encoder = [*ref.backbone.parameters(), *ref.neck.parameters()]
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    train_step(m, optimizer, batch, 0.4)
    f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x])))
    first, second = ref.head(f), ref.rival(f).softmax(1)
    rows = torch.arange(8)
    said = first.argmax(1)
    agree = -second[:8][rows, said[:8]].log().mean()
    part = -(1 - second[8:][rows, said[8:]]).log().mean()
    task = F.cross_entropy(first[:8], batch.source.y)
    strength = 0.5 * grl_warmup(0.4, 20)
    moves = [
        (ref.rival, 4 * agree + part),
        (ref.head, task),
        (encoder, task - strength * (4 * agree + part)),
    ]
    grads = []
    for part_of, loss in moves:
        params = part_of if isinstance(part_of, list) else list(part_of.parameters())
        grads += zip(params, torch.autograd.grad(loss, params, retain_graph=True), strict=True)
    with torch.no_grad():
        for p, grad in grads:
            p -= 0.1 * grad
    torch.testing.assert_close(dict(m.named_parameters()), dict(ref.named_parameters()))
