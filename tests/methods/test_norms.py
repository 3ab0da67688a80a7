"""Norms that adapt at test time: which they are, and mixtures of their statistics."""

import pytest
import torch
from torch import nn

from da.data.domain import Images
from da.methods import METHODS, Network
from da.methods._norms import mix_statistics, mixing
from da.training.engine import train_step
from tests.conftest import build, normal


class Normed(nn.Sequential):
    width = 6

    def __init__(self, norm: nn.Module):
        super().__init__(nn.Linear(5, 6), norm, nn.Dropout(0.5))


@pytest.mark.parametrize("norm", [nn.LayerNorm(6), nn.GroupNorm(2, 6), nn.BatchNorm1d(6)])
@pytest.mark.parametrize("name", ["tent", "eata", "sar", "roid"])
def test_norms_of_every_kind_move_and_nothing_else(name, norm, batch):
    if name not in METHODS:
        pytest.skip("not there")
    torch.manual_seed(0)
    hp = {"margin": 1.0, "redundancy": 1.0} if name == "eata" else {}
    hp = {"margin": 1.0, "skip": 0.0} if name == "sar" else hp
    m = METHODS[name].Hparams(**hp).build(Normed(norm), 3, Network(neck=0))
    m.prepare_target(Images(torch.zeros(8, 5), torch.arange(8)))
    before = {name: p.clone() for name, p in m.named_parameters()}
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    moved = {name for name, p in m.named_parameters() if not p.equal(before[name])}
    assert moved == {"backbone.1.weight", "backbone.1.bias"}
    assert not m.backbone[2].training


def test_a_network_without_norms_is_refused():
    for name in ("tent", "eata", "sar"):
        with pytest.raises(ValueError, match=f"^{name} moves norms, and this network has none"):
            METHODS[name].Hparams().build(Normed(nn.Identity()), 3, Network(neck=0))


@pytest.mark.parametrize("shape", [(9, 4), (9, 4, 3, 2)])
@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_mixture_normalizes_as_one_by_hand(shape, share):
    norm = (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(4).eval()
    held = {name: 0.5 + torch.rand(4) for name in ("running_mean", "running_var", "weight", "bias")}
    norm.load_state_dict(held, strict=False)
    found, x = mix_statistics(norm), normal(*shape, dtype=torch.float32).requires_grad_()
    with mixing(found, share):
        ours = norm(x)
    dims = [0, *range(2, len(shape))]
    mean = (1 - share) * held["running_mean"] + share * x.mean(dims)
    var = (1 - share) * held["running_var"] + share * x.var(dims, correction=0)
    mean, var, scale, shift = (
        v.view(-1, *[1] * (len(shape) - 2)) for v in (mean, var, held["weight"], held["bias"])
    )
    by_hand = (x - mean) / (var + norm.eps).sqrt() * scale + shift
    torch.testing.assert_close(ours, by_hand)
    gradients = [torch.autograd.grad(y.sin().sum(), x)[0] for y in (ours, by_hand)]
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-4)
    assert norm.running_mean.equal(held["running_mean"])
    plain = norm(x)
    assert plain.allclose(ours) == (share == 0)


def test_norms_that_are_frozen_are_told(batch):
    m = build(METHODS["sar"])
    m.neck.requires_grad_(False)
    with pytest.raises(ValueError, match="sar moves norms, and all of them are frozen"):
        m.moving()
