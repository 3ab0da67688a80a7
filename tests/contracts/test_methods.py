"""What every method promises. New methods are tested without a line here."""

import copy
from dataclasses import replace

import pytest
import torch

from da.data import tasks
from da.methods import METHODS, Method, Network
from da.models.backbone import Features
from da.models.backbones.mlp import MLP
from da.training.engine import train_step
from da.training.setup import show_images
from tests.conftest import build, points, skip_without


def moved(method, batch, progress=0.5):
    """Names of the parameters that one step changes."""
    before = copy.deepcopy(method)
    train_step(method, torch.optim.SGD(method.parameters(), 0.1), batch, progress)
    pairs = zip(method.named_parameters(), before.parameters(), strict=True)
    return {name for (name, p), q in pairs if not p.equal(q)}


def test_losses_are_named_finite_scalars(method, batch):
    for phase in method.phases():
        losses = phase.losses(batch, 0.5)
        assert losses
        assert all(loss.shape == () and loss.isfinite() for loss in losses.values())


def test_one_step_moves_every_parameter(method, batch):
    trained = {name for name, p in method.named_parameters() if p.requires_grad}
    still = trained - moved(method, batch)
    # A bias just before batch norm cannot matter.
    assert still <= {"neck.0.bias"}


def test_same_seed_same_step(method, batch):
    twin = copy.deepcopy(method)
    for m in (method, twin):
        torch.manual_seed(1)
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, progress=0.5)
    assert all(p.equal(q) for p, q in zip(method.parameters(), twin.parameters(), strict=True))


def test_is_blind_if_target_images_change_nothing(method, batch):
    """But for mappings, which have looked at them before the first step."""
    other = replace(
        batch,
        target=replace(batch.target, x=batch.target.x + 1),
        shots=replace(batch.shots, x=batch.shots.x + 1),
    )
    states = []
    for m, seen in ((method, batch), (copy.deepcopy(method), other)):
        torch.manual_seed(1)
        train_step(m, torch.optim.SGD(m.parameters(), 0.1), seen, progress=0.7)
        states.append(m.state_dict())
    same = all(states[0][name].equal(states[1][name]) for name in states[0])
    assert method.blind == (same and not method.frozen_only)


def test_predicts_one_logit_a_class(method, batch):
    assert method.predict(batch.target.x).shape == (8, 3)
    assert method.predict_source(batch.source.x).shape == (8, 3)


def test_says_where_it_comes_from(method):
    assert method.paper
    assert type(method).__doc__


def test_computes_in_bf16(method, batch):
    losses = train_step(method, torch.optim.SGD(method.parameters(), 0.1), batch, 0.5, "bf16")
    assert all(loss.isfinite() for loss in losses.values())


def test_state_survives_a_checkpoint(method, batch, tmp_path):
    source, target = (
        points(torch.randn(20, 5), torch.arange(20) % 2),
        points(torch.randn(20, 5) + 1, torch.arange(20) % 2),
    )
    task = tasks.build_task("moons:0-1", source, target)
    show_images(method, task)
    train_step(method, torch.optim.SGD(method.parameters(), 0.1), batch, 0.5)
    torch.save(method.state_dict(), tmp_path / "weights.pt")
    fresh = build(type(method))
    fresh.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    ours, theirs = method.eval()(batch, 0.5), fresh.eval()(batch, 0.5)
    assert all(ours[name].equal(theirs[name]) for name in ours)


LOOKING = {
    name: "prepare_target" if kind.source_free else "prepare"
    for name, kind in METHODS.items()
    if (kind.prepare, kind.prepare_target) != (Method.prepare, Method.prepare_target)
}


@pytest.mark.parametrize("name", LOOKING)
def test_a_method_that_has_not_seen_its_images_says_so(name, batch):
    kind = METHODS[name]
    skip_without(kind.needs)
    backbone = Features(5) if kind.frozen_only else MLP(5, 16)
    m = kind.Hparams().build(backbone, 3, Network(neck=8))
    optimizer = torch.optim.SGD(m.parameters(), 0.1)
    uses = [lambda: train_step(m, optimizer, batch, 0.5)]
    if kind.frozen_only:
        uses += [lambda: m.map_source(batch.source.x), lambda: m.map_target(batch.target.x)]
    for use in uses:
        with pytest.raises(ValueError, match=rf"^{name} has seen .* call {LOOKING[name]}\("):
            use()


def test_closed_form_methods_are_among_them():
    assert {name for name, kind in METHODS.items() if kind.frozen_only} < LOOKING.keys()


def test_stored_weights_are_of_a_method_that_has_seen_its_images(method):
    fresh = build(type(method))
    fresh.prepared = False
    fresh.load_state_dict(method.state_dict())
    assert fresh.prepared


def test_a_shared_base_is_no_method():
    base = type("SourceFree", (Method,), {"__module__": "da.methods.base"})
    assert base not in METHODS.values()


@pytest.mark.parametrize("bn", ["joint", "separate"])
def test_batch_norm_sees_the_mixture_or_each_domain(batch, bn):
    torch.manual_seed(0)
    m = METHODS["dann"].Hparams().build(MLP(5, 16), 3, Network(8, 0.0, (), bn))
    f_s, f_t = m.features(batch)
    both = m.neck(m.backbone(torch.cat([batch.source.x, batch.target.x])))
    assert torch.allclose(torch.cat([f_s, f_t]), both) == (bn == "joint")
    assert torch.allclose(f_s, m.neck(m.backbone(batch.source.x))) == (bn == "separate")
