"""Losses are those of the authors' code, computed source by source from log-probabilities."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.mdan import MDAN
from da.models.backbones.mlp import MLP

DOMAIN = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])


@pytest.fixture
def three(batch):
    return replace(batch, source=replace(batch.source, domain=DOMAIN))


def built(**hp) -> MDAN:
    torch.manual_seed(0)
    return MDAN.Hparams(**hp).build(MLP(5, 16), 3, Network(neck=8, dropout=0), 3)


def each_loss(m, batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Task and domain loss of each source, with two outputs a discriminator as the authors have."""
    f_s, f_t = m.features(batch)
    tasks, domains = [], []
    for i, network in enumerate(m.discriminators):
        f, y = f_s[i == DOMAIN], batch.source.y[i == DOMAIN]
        tasks.append(F.nll_loss(m.head(f).log_softmax(1), y))
        log_p = [F.pad(network(x), (1, 0)).log_softmax(1) for x in (f, f_t)]
        domains.append(-log_p[0][:, 1].mean() - log_p[1][:, 0].mean())
    return torch.stack(tasks), torch.stack(domains)


def gradients(loss, m):
    """Of the head and discriminators, and of the features with the domain's part turned around."""
    return torch.autograd.grad(loss, [*m.parameters()], retain_graph=True, allow_unused=True)


@pytest.mark.parametrize("version", ["soft", "hard"])
def test_gradients_are_those_of_the_authors_objective(three, version):
    m = built(version=version, trade_off=0.3, gamma=2.0, hidden=(4,))
    task, domain = each_loss(m, three)
    if version == "hard":
        objective = task.max() + 0.3 * domain.min()
    else:
        objective = (2 * (task + 0.3 * domain)).exp().sum().log() / 2
    found = sum(m(three, 0.5).values())
    ours, theirs = gradients(found, m), gradients(objective, m)
    for (name, _), mine, plain in zip(m.named_parameters(), ours, theirs, strict=True):
        if name.startswith(("head", "discriminators")):
            expected = torch.zeros_like(mine) if plain is None else plain
            torch.testing.assert_close(mine, expected, msg=name)


def test_features_climb_what_discriminators_descend(three):
    m = built(trade_off=1.0)
    with torch.no_grad():
        m.head[-1].weight.zero_()  # so that features feel the domain alone
    f = m.neck[0].weight
    ours = torch.autograd.grad(sum(m(three, 0.5).values()), f)[0]
    task, domain = each_loss(m, three)
    w = (10 * (task + domain)).softmax(0).detach()
    torch.testing.assert_close(ours, -torch.autograd.grad(w @ domain, f)[0])


def test_the_hard_version_moves_one_discriminator(three):
    m = built(version="hard", trade_off=1.0)
    _, domain = each_loss(m, three)
    sum(m(three, 0.5).values()).backward()
    moved = [network[0].weight.grad.abs().sum().item() > 0 for network in m.discriminators]
    assert moved == [i == domain.argmin() for i in range(3)]
