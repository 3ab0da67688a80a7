"""A task loss that is small all around the weights (Rangwani et al. 2022)."""

import copy

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.cdan_mcc import CDANMCC
from da.methods.sdat import SDAT
from da.models.backbones.mlp import MLP
from tests.conftest import build


def gradients(m, losses) -> dict[str, torch.Tensor]:
    m.zero_grad()
    sum(losses.values()).backward()
    return {name: p.grad.clone() for name, p in m.named_parameters() if p.grad is not None}


def method(bn: str = "joint", **hp) -> SDAT:
    torch.manual_seed(0)
    return SDAT.Hparams(hidden=(8,), **hp).build(MLP(5, 16), 3, Network(8, 0.0, (), bn))


def task(m, batch):
    return F.cross_entropy(m.head(m.features(batch)[0]), batch.source.y)


@pytest.mark.parametrize("bn", ["joint", "separate"])
def test_gradient_is_that_of_a_step_written_by_hand(batch, bn):
    """Up the task loss, its gradient there, and back; that of the other losses is taken here."""
    m = method(bn, rho=0.5)
    by_hand = copy.deepcopy(m)
    others = by_hand(batch, 0.6)
    del others["task"]
    expected = gradients(by_hand, others)

    uphill = gradients(by_hand, {"task": task(by_hand, batch)})
    length = torch.cat([g.flatten() for g in uphill.values()]).norm()
    before = {name: p.clone() for name, p in by_hand.named_parameters()}
    with torch.no_grad():
        for name, g in uphill.items():
            by_hand.get_parameter(name).add_(0.5 * g / length)
    top = task(by_hand, batch)
    there = gradients(by_hand, {"task": top})
    with torch.no_grad():
        for name, p in by_hand.named_parameters():
            p.copy_(before[name])

    found = m(batch, 0.6)
    torch.testing.assert_close(found["task"], top)
    expected = {name: g + there.get(name, 0) for name, g in expected.items()}
    torch.testing.assert_close(gradients(m, found), expected, rtol=1e-4, atol=1e-6)
    assert all(p.equal(before[name]) for name, p in m.named_parameters())


def test_at_no_distance_it_is_cdan_with_mcc(batch):
    m = build(SDAT, hidden=(8,), rho=0.0)
    plain = build(CDANMCC, hidden=(8,), entropy=m.hp.entropy, temperature=m.hp.temperature)
    plain.load_state_dict(m.state_dict())
    ours, theirs = m(batch, 0.6), plain(batch, 0.6)
    torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(gradients(m, ours), gradients(plain, theirs))


@pytest.mark.parametrize("bn", ["joint", "separate"])
def test_a_script_of_the_authors_takes_every_loss_uphill(batch, bn):
    m = method(bn, rho=0.5, climb="all")
    plain = build(CDANMCC, hidden=(8,), entropy=False, temperature=2.0)
    plain.load_state_dict(m.state_dict())
    plain.network = m.network
    here = plain(batch, 0.6)
    uphill = gradients(plain, {name: here[name] for name in ("task", "confusion")})
    assert not any(name.startswith("discriminator") for name in uphill)
    length = torch.cat([g.flatten() for g in uphill.values()]).norm()
    with torch.no_grad():
        for name, g in uphill.items():
            plain.get_parameter(name).add_(0.5 * g / length)
    top = plain(batch, 0.6)

    found = m(batch, 0.6)
    torch.testing.assert_close(found, top, rtol=1e-4, atol=1e-6)
    assert found["task"] > here["task"] + 1e-3
    torch.testing.assert_close(gradients(m, found), gradients(plain, top), rtol=1e-3, atol=1e-5)


def test_the_task_loss_alone_is_taken_uphill(batch):
    here, uphill = method(rho=0.0)(batch, 0.6), method(rho=0.1)(batch, 0.6)
    assert uphill["task"] > here["task"] + 1e-3
    for name in ("domain", "confusion"):
        assert uphill[name].equal(here[name])


def test_a_frozen_backbone_does_not_climb(batch):
    m = method(rho=0.5)
    m.backbone.requires_grad_(False)
    found = gradients(m, m(batch, 0.6))
    assert not any(name.startswith("backbone") for name in found)
    assert any(name.startswith("head") for name in found)
