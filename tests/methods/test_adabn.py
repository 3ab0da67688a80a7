"""Batch norms with statistics of the domain that they see (Li et al. 2016)."""

import copy

import pytest
import torch
from torch import nn

from da.data.batch import Batch, Labeled, Unlabeled
from da.methods import Network
from da.methods.adabn import AdaBN
from da.methods.source_only import SourceOnly
from da.models.backbone import Features
from da.models.backbones import lenet
from da.training.engine import train_step
from tests.conftest import build


class Net(nn.Sequential):
    """A backbone with a batch norm of its own."""

    width = 6

    def __init__(self):
        super().__init__(nn.Linear(5, 6), nn.BatchNorm1d(6), nn.ReLU())


def moved_away(batch: Batch) -> Batch:
    """The target is the source, elsewhere and on another scale."""
    return Batch(batch.source, Unlabeled(3 * batch.source.x + 5, batch.target.index))


def trained(kind, batch, backbone=None, steps=40, still=0):
    """After some steps, and then some that move no weight."""
    torch.manual_seed(0)
    m = kind.Hparams().build(backbone or Features(5), 3, Network(neck=8, dropout=0))
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    for step in range(steps + still):
        optimizer.param_groups[0]["lr"] = 0.1 if step < steps else 0.0
        train_step(m, optimizer, batch, 0.5)
    return m.eval()


@pytest.mark.parametrize("with_norm", [False, True])
def test_a_shift_of_place_and_scale_is_undone(batch, with_norm):
    """Where target images are source images after it, predictions of both are the same."""
    batch = moved_away(batch)
    m = trained(AdaBN, batch, Net() if with_norm else None, still=60)
    ours = m.predict(batch.target.x)
    torch.testing.assert_close(ours, m.predict_source(batch.source.x), rtol=0.01, atol=0.01)
    assert ours.argmax(1).equal(batch.source.y)
    without = trained(SourceOnly, batch, Net() if with_norm else None)
    assert not without.predict(batch.target.x).argmax(1).equal(batch.source.y)


def test_source_predictions_and_weights_are_those_of_source_only(batch):
    ours, without = (trained(kind, batch, Net()) for kind in (AdaBN, SourceOnly))
    x = batch.source.x
    torch.testing.assert_close(ours.predict_source(x), without.predict(x))
    for p, q in zip(ours.parameters(), without.parameters(), strict=True):
        torch.testing.assert_close(p, q)


def test_statistics_are_running_averages_of_target_batches(batch):
    torch.manual_seed(0)
    m = AdaBN.Hparams().build(Net(), 3, Network(neck=8, dropout=0))
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    mean, var = torch.zeros(6), torch.ones(6)
    for _ in range(3):
        train_step(m, optimizer, batch, 0.5)
        seen = m.backbone[0](batch.target.x).detach()
        mean, var = 0.9 * mean + 0.1 * seen.mean(0), 0.9 * var + 0.1 * seen.var(0)
    (norm,) = m.target_of_backbone.norms
    torch.testing.assert_close(norm.running_mean, mean)
    torch.testing.assert_close(norm.running_var, var)
    f = (m.backbone[0](batch.target.x) - mean) / (var + 1e-5).sqrt()
    f = (f * m.backbone[1].weight + m.backbone[1].bias).relu()
    neck, (norm,) = m.neck[0](f), m.target_of_neck.norms
    z = (neck - norm.running_mean) / (norm.running_var + 1e-5).sqrt()
    logits = m.head((z * m.neck[1].weight + m.neck[1].bias).relu())
    torch.testing.assert_close(m.eval().predict(batch.target.x), logits)


def test_looking_changes_no_statistic(batch):
    m = trained(AdaBN, batch, Net(), steps=1)
    before = copy.deepcopy(m.state_dict())
    m(batch, 0.5)
    m.predict(batch.target.x)
    m.after_step()
    torch.testing.assert_close(m.state_dict(), before, rtol=0, atol=0)


def test_source_statistics_see_no_target_image(batch):
    other = Batch(batch.source, Unlabeled(100 + batch.target.x, batch.target.index))
    one, two = (trained(AdaBN, b, Net(), steps=3) for b in (batch, other))
    assert one.backbone[1].running_mean.equal(two.backbone[1].running_mean)
    assert not one.target_of_backbone.norms[0].running_mean.equal(
        two.target_of_backbone.norms[0].running_mean
    )


def test_the_target_begins_with_the_statistics_that_the_network_has():
    net = Net()
    net[1].running_mean.fill_(3.0)
    m = AdaBN.Hparams().build(net, 3, Network(neck=0)).eval()
    x = torch.randn(4, 5)
    assert m.predict(x).equal(m.predict_source(x))


def test_keeps_no_batch_and_no_extra_parameter(batch):
    m = trained(AdaBN, batch, steps=1)
    assert m._x_t is None
    assert not [*m.target_of_neck.parameters()]
    copy.deepcopy(m)


def test_without_batch_norm_it_is_source_only():
    m = AdaBN.Hparams().build(Features(5), 3, Network(neck=0, dropout=0))
    x = torch.randn(4, 5)
    assert m.predict(x).equal(m.predict_source(x))
    assert not [*m.buffers()]


def test_trains_on_images_and_with_the_backbone_it_was_given():
    torch.manual_seed(0)
    x = torch.rand(4, 3, 28, 28)
    batch = Batch(Labeled(x, torch.arange(4) % 3), Unlabeled(1 - x, torch.arange(4)))
    m = AdaBN.Hparams().build(lenet.build(), 3, Network(neck=8))
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.5)
    assert m.eval().predict(x).shape == (4, 3)
    assert not m.predict(x).equal(m.predict_source(x))
    assert (
        build(AdaBN).backbone.state_dict().keys() == build(SourceOnly).backbone.state_dict().keys()
    )
