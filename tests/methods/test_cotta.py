"""A teacher that averages over views and steps, and weights that return (Wang et al. 2022)."""

import copy

import torch

from da.methods.cotta import CoTTA
from da.training.engine import train_step
from tests.conftest import build


def step(m, batch, rate=0.1):
    train_step(m, torch.optim.SGD(m.parameters(), rate), batch, 0.0)


def test_a_sure_source_gives_the_teacher_s_own_predictions(batch):
    m = build(CoTTA, threshold=0.1)
    f = m.neck[0](m.backbone(batch.target.x))
    f = (f - f.mean(0)) / (f.var(0, correction=0) + 1e-5).sqrt()
    step(m, batch, 0.0)
    torch.testing.assert_close(m.online, m.head(f.relu()).detach())


def test_an_unsure_one_gives_the_mean_over_views_and_the_loss_is_the_cross_entropy(batch):
    m = build(CoTTA, threshold=1.0, augmentations=3)
    twin = copy.deepcopy(m)
    torch.manual_seed(1)
    losses = m(batch, 0.0)
    torch.manual_seed(1)
    x = batch.target.x
    seen = [twin.teacher(twin.view.drop(x)) for _ in range(3)]
    q = torch.stack(seen).mean(0)
    p = twin.head(twin.neck(twin.backbone(x))).softmax(1)
    torch.testing.assert_close(losses["consistency"], -(q.softmax(1) * p.log()).sum(1).mean())
    assert not seen[0].allclose(seen[1])
    assert not q.allclose(m.teacher(x))


def test_the_teacher_follows_slowly_and_weights_return_at_random(batch):
    m = build(CoTTA, keep=0.9, restore=0.5)
    source = m.head[0].weight.detach().clone()
    step(m, batch, rate=0.5)
    now = m.head[0].weight
    back = now == source
    assert 0.2 < back.float().mean() < 0.8
    # the teacher has followed the student before some of its weights returned
    assert (m.teacher[2][0].weight != source).float().mean() > 0.9
    free = ~back
    moved = (m.teacher[2][0].weight - source)[free]
    torch.testing.assert_close(moved, 0.1 * (now - source)[free].detach(), rtol=1e-3, atol=1e-6)
    assert m.anchor[2][0].weight.equal(source)


def test_statistics_that_are_held_are_those_of_plain_images(batch):
    m = build(CoTTA)
    f = m.neck[0](m.backbone(batch.target.x)).detach()
    step(m, batch)
    torch.testing.assert_close(m.teacher[1][1].running_mean, f.mean(0))
    assert m.teacher[1][1].num_batches_tracked == 1
