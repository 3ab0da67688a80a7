"""A critic finds how far the domains are apart, features bring them together (Shen et al. 2018)."""

import copy

import pytest
import torch
import torch.nn.functional as F
from scipy.stats import wasserstein_distance
from torch import nn

from da.methods.wdgrl import WDGRL
from da.ops.functional import gradient_penalty
from da.training.engine import train_step
from tests.conftest import build, normal

SGD = {"lr": 0.05, "momentum": 0.9, "weight_decay": 0.01}


def distance(m, batch) -> float:
    return m.distance(*m.features(batch)).item()


def train_critic(m, batch, steps: int) -> None:
    critic = next(m.phases())
    optimizer = torch.optim.Adam(m.critic.parameters(), 0.02)
    for _ in range(steps):
        optimizer.zero_grad()
        sum(critic.losses(batch, 0.5).values()).backward(inputs=list(critic.updates))
        optimizer.step()


def test_features_descend_the_distance_that_the_critic_climbs(batch):
    m = build(WDGRL, hidden=(8,))
    at_first = distance(m, batch)
    train_critic(m, batch, 30)
    found = distance(m, batch)
    assert found > at_first + 0.1
    *_, phase = m.phases()
    phase.losses(batch, 0.5)["distance"].backward()
    with torch.no_grad():
        for p in m.backbone.parameters():
            p -= 0.05 * p.grad
    assert distance(m, batch) < found - 0.01


@pytest.mark.parametrize("trade_off", [0.0, 0.5])
def test_trade_off_weighs_the_distance_for_the_features(batch, trade_off):
    m = build(WDGRL, hidden=(8,), trade_off=trade_off)
    assert m(batch, 0.5)["distance"].item() == pytest.approx(trade_off * distance(m, batch))
    m(batch, 0.5)["distance"].backward()
    assert m.backbone[0].weight.grad.any() == bool(trade_off)


def test_each_phase_moves_its_part(batch):
    *critic, rest = build(WDGRL, critic_steps=3).phases()
    assert len(critic) == 3
    m = build(WDGRL)
    *critic, rest = m.phases()
    names = {id(p): name.partition(".")[0] for name, p in m.named_parameters()}
    assert {names[id(p)] for p in critic[0].updates} == {"critic"}
    assert {names[id(p)] for p in rest.updates} == {"backbone", "neck", "head"}


def test_the_penalty_holds_the_slope_at_1(batch):
    m = build(WDGRL, hidden=(8,))
    train_critic(m, batch, 100)
    f = torch.cat(m.features(batch)).detach()
    assert gradient_penalty(m.critic, f) < 0.1
    m.critic[-1].weight.data *= 3
    assert gradient_penalty(m.critic, f) > 0.5


def test_critic_finds_the_wasserstein_distance_in_one_dimension(batch):
    """By SciPy; what is found is best where the slope is above 1, as the penalty is no wall."""
    m = build(WDGRL)
    f_s, f_t = normal(64, 1, dtype=torch.float32), normal(64, 1, seed=1, dtype=torch.float32) + 2
    m.critic = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 1, bias=False))
    m.features = lambda batch: (f_s, f_t)
    train_critic(m, batch, 200)
    w = wasserstein_distance(f_s.flatten().numpy(), f_t.flatten().numpy())
    slope = 1 + w / (2 * m.hp.penalty)
    assert m.distance(f_s, f_t).item() == pytest.approx(slope * w, rel=0.05)


def test_gradient_penalty_by_hand():
    weight = torch.tensor([[3.0, 4.0]])
    f = normal(5, 2, dtype=torch.float32)
    assert gradient_penalty(lambda f: f @ weight.mT, f).item() == pytest.approx((5 - 1) ** 2)
    assert gradient_penalty(lambda f: f @ weight.mT / 5, f).item() == pytest.approx(0, abs=1e-10)


def test_gradient_penalty_has_the_right_gradient():
    f = normal(4, 3)

    def penalty(weight, top):
        return gradient_penalty(lambda f: (f @ weight).tanh() @ top, f)

    inputs = (normal(3, 5, seed=1).requires_grad_(), normal(5, 1, seed=2).requires_grad_())
    assert torch.autograd.gradcheck(penalty, inputs)


def test_equals_a_step_written_by_hand(batch):
    m = build(WDGRL, hidden=(8,), critic_steps=2, penalty=3.0, trade_off=0.5)
    ref = copy.deepcopy(m)
    rest = [*ref.backbone.parameters(), *ref.neck.parameters(), *ref.head.parameters()]
    opt_c, opt_r = torch.optim.SGD(ref.critic.parameters(), **SGD), torch.optim.SGD(rest, **SGD)
    torch.manual_seed(1)
    optimizer = torch.optim.SGD(m.parameters(), **SGD)
    for _ in range(2):
        train_step(m, optimizer, batch, 0.5)
    torch.manual_seed(1)
    for _ in range(2):
        for _ in range(2):
            f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x]))).detach()
            share = torch.rand(8, 1)
            points = torch.cat([f, share * f[:8] + (1 - share) * f[8:]]).requires_grad_()
            rating = ref.critic(points)
            (slope,) = torch.autograd.grad(rating.sum(), points, create_graph=True)
            far = rating[:8].mean() - rating[8:16].mean()
            loss = (3 * (slope.square().sum(1).sqrt() - 1).square().mean() - far) / 4
            opt_c.zero_grad()
            loss.backward()
            opt_c.step()
        f = ref.neck(ref.backbone(torch.cat([batch.source.x, batch.target.x])))
        rating = ref.critic(f)
        far = rating[:8].mean() - rating[8:].mean()
        opt_r.zero_grad()
        (F.cross_entropy(ref.head(f[:8]), batch.source.y) + far / 2).backward()
        opt_r.step()
    torch.testing.assert_close(
        dict(m.named_parameters()), dict(ref.named_parameters()), rtol=1e-4, atol=1e-5
    )


def test_features_cannot_silence_the_critic(batch):
    m = build(WDGRL)
    with torch.no_grad():
        m.critic[0].bias.fill_(-100)  # as a neck does that drives all its units below 0
    m(batch, 0.5)["distance"].backward()
    assert any(p.grad.any() for p in m.neck.parameters())
