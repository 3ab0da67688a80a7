"""Batch norms follow the entropy of a stream of test images (Wang et al. 2021)."""

from dataclasses import replace

import pytest
import torch

from da.data import loaders, tasks
from da.evaluation.predictions import online_accuracy
from da.methods import Network
from da.methods.source_only import SourceOnly
from da.methods.tent import Tent
from da.models.backbone import Features
from da.ops.functional import prediction_entropy
from da.runs.run import Run
from da.training import train
from da.training.engine import fit, train_step
from da.training.setup import assemble, count_images, count_steps, show_images
from tests.conftest import build, points


def entropy(m, batch) -> float:
    return prediction_entropy(m.predict(batch.target.x)).mean().item()


def test_only_weights_and_biases_of_batch_norms_move(batch):
    m = build(Tent)
    before = {name: p.clone() for name, p in m.named_parameters()}
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    moved = {name for name, p in m.named_parameters() if not p.equal(before[name])}
    assert moved == {"neck.1.weight", "neck.1.bias"}


def test_entropy_falls(batch):
    m = build(Tent)
    m.head[0].weight.data.mul_(5)
    before = entropy(m, batch)
    optimizer = torch.optim.SGD(m.parameters(), 1.0)
    for _ in range(20):
        train_step(m, optimizer, batch, 0.0)
    assert entropy(m, batch) < 0.9 * before


def test_one_step_equals_one_by_hand(batch):
    m = build(Tent)
    weight, bias = m.neck[1].weight, m.neck[1].bias
    f = m.neck[0](m.backbone(batch.target.x))
    f = (f - f.mean(0)) / (f.var(0, unbiased=False) + 1e-5).sqrt() * weight + bias
    p = m.head(f.relu()).softmax(1)
    loss = -(p * p.log()).sum(1).mean()
    by_hand = [
        v - 0.1 * g
        for v, g in zip((weight, bias), torch.autograd.grad(loss, (weight, bias)), strict=True)
    ]
    losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    torch.testing.assert_close(losses["entropy"], loss.detach())
    torch.testing.assert_close([weight.detach(), bias.detach()], [v.detach() for v in by_hand])


def test_predictions_online_are_those_made_before_the_step(batch):
    m = build(Tent)
    assert m.online.isnan().all()
    before = m.predict(batch.target.x).detach()
    train_step(m, torch.optim.SGD(m.parameters(), 1.0), batch, 0.0)
    assert m.online.equal(before)
    assert not m.predict(batch.target.x).allclose(before)


def test_dropout_is_off_and_batch_norm_on_while_it_learns(batch):
    m = build(Tent)
    m.neck.append(torch.nn.Dropout(0.5))
    m.train()
    assert m.neck[1].training
    assert not m.neck[-1].training
    m.eval()
    assert not any(module.training for module in m.modules())


def test_afterwards_statistics_are_the_mean_over_the_stream():
    m, x = build(Tent), torch.randn(32, 5) + 3
    many = points(x.repeat(2, 1), torch.arange(64) % 3, 3)
    task = tasks.build_task("moons:0-1", many, many)
    show_images(m, task)
    steps = loaders.stream(task.target_test, 8, seed=0)
    list(fit(m, steps, torch.optim.SGD(m.parameters(), 0.0), 4, 4))
    before = m.neck[0](m.backbone(x))
    torch.testing.assert_close(m.neck[1].running_mean, before.mean(0).detach())


def test_a_stream_shows_every_image_once():
    many = points(torch.arange(50.0)[:, None], torch.arange(50) % 3, 3)
    task = tasks.build_task("moons:0-1", many, many)
    seen = list(loaders.stream(task.target_test, 8, seed=0))
    assert [len(batch.target.x) for batch in seen] == [8, 8, 9]
    index = torch.cat([batch.target.index for batch in seen])
    assert index.sort().values.equal(torch.arange(25))
    assert not index.equal(torch.arange(25))
    x = torch.cat([batch.target.x for batch in seen])
    assert x.equal(task.target_test.take(index))


def test_online_accuracy_counts_what_was_seen():
    logits = torch.tensor([[1.0, 0], [0, 1], [1, 0], [torch.nan, torch.nan]])
    assert online_accuracy(logits, torch.tensor([0, 1, 1, 0])) == pytest.approx(200 / 3)


FIRST = Run(
    SourceOnly.Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=60,
    batch=32,
    eval_every=60,
)


def test_a_run_reports_online_and_after():
    train.train(FIRST, device="cpu", save_weights=True, quiet=True)
    run = replace(FIRST, method=Tent.Hparams(), init=FIRST.id, lr=1e-3)
    record = train.train(run, device="cpu", quiet=True)
    task = assemble(run, "cpu").task
    assert record.curve[-1]["step"] == -(-len(task.target_test) // 32) < 60
    assert 0 < record.curve[-1]["target_accuracy/online"] <= 100


@pytest.mark.parametrize(
    ("images", "batches"),
    [(16, [8, 8]), (17, [8, 9]), (18, [8, 8, 2]), (9, [9]), (8, [8]), (3, [3]), (1, [1])],
)
def test_an_image_that_is_left_over_joins_the_last_batch(images, batches):
    many = points(torch.randn(2 * images, 5), torch.arange(2 * images) % 3, 3)
    target = tasks.build_task("moons:0-1", many, many).target_test
    assert [len(batch.target.x) for batch in loaders.stream(target, 8, seed=0)] == batches
    assert loaders.count_stream_batches(images, 8) == len(batches)


def test_a_batch_of_one_image_is_never_joined():
    many = points(torch.randn(6, 5), torch.arange(6) % 3, 3)
    target = tasks.build_task("moons:0-1", many, many).target_test
    assert [len(batch.target.x) for batch in loaders.stream(target, 1, seed=0)] == [1, 1, 1]


@pytest.mark.parametrize(("batch", "steps"), [(13, 23), (299, 1), (300, 1), (64, 5)])
def test_every_image_counts_once_whatever_is_left(batch, steps):
    """Of 300 test images; 299 and 13 leave one."""
    first = replace(FIRST, network=Network(neck=8), steps=2, eval_every=2)
    train.train(first, device="cpu", save_weights=True, quiet=True)
    run = replace(first, method=Tent.Hparams(), init=first.id, steps=500, batch=batch)
    parts = assemble(run, "cpu")
    curve, _ = train.fit(run, parts, quiet=True)
    assert curve[-1]["step"] == count_steps(run, parts) == steps
    assert count_images(run, parts, steps) == len(parts.task.target_test) == 300
    assert count_images(run, parts, steps - 1) == batch * (steps - 1)
    online = parts.method.get_buffer("online")
    assert online.isfinite().all()
    right = online_accuracy(online, parts.task.target_test.y)
    assert curve[-1]["target_accuracy/online"] == right


def test_a_network_without_batch_norm_is_refused():
    with pytest.raises(ValueError, match="has none"):
        Tent.Hparams().build(Features(5), 3, Network(neck=0))
