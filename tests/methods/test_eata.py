"""Entropy of certain and new images, and Fisher information (Niu et al. 2022)."""

import math

import pytest
import torch
import torch.nn.functional as F

from da.data.domain import Images
from da.methods.eata import EATA
from da.training.engine import train_step
from tests.conftest import build, normal


def test_losses_of_two_steps_equal_those_of_loops(batch):
    m = build(EATA, margin=0.95, redundancy=0.9, trade_off=7.0)
    m.head[0].weight.data.mul_(4)
    m.fisher = torch.rand(16)
    begun = [p.detach().clone() for p in (m.neck[1].weight, m.neck[1].bias)]
    mean, optimizer = None, torch.optim.SGD(m.parameters(), 0.1)
    for x in (batch.target.x, batch.source.x):
        shown = type(batch)(batch.source, type(batch.target)(x, batch.target.index))
        logits, terms, taken = m.predict(x).detach(), [], []
        for z in logits:
            p = z.softmax(0)
            h = float(-(p * p.log()).sum())
            new = mean is None or float(F.cosine_similarity(mean, p, dim=0)) < 0.9
            if h < 0.95 * math.log(3) and new:
                terms.append(h / math.exp(h - 0.95 * math.log(3)))
                taken.append(p)
        assert 0 < len(terms) < 8
        gaps = [p - q for p, q in zip((m.neck[1].weight, m.neck[1].bias), begun, strict=True)]
        penalty = 7 * float((m.fisher * torch.cat(gaps).detach().square()).sum())
        losses = train_step(m, optimizer, shown, 0.0)
        assert float(losses["entropy"]) == pytest.approx(sum(terms) / len(terms), rel=1e-4)
        assert float(losses["fisher"]) == pytest.approx(penalty, rel=1e-4)
        now = torch.stack(taken).mean(0)
        mean = now if mean is None else 0.9 * mean + 0.1 * now
        torch.testing.assert_close(m.mean, mean)
    assert penalty > 0


def test_fisher_information_is_the_squared_gradient_of_a_batch():
    m, x = build(EATA), normal(40, 5, dtype=torch.float32)
    m.prepare_source(Images(x, torch.arange(40)))
    m.zero_grad()
    logits = m.predict(x)
    F.cross_entropy(logits, logits.argmax(1)).backward()
    by_hand = torch.cat([m.neck[1].weight.grad, m.neck[1].bias.grad]).square()
    torch.testing.assert_close(m.fisher, by_hand)
    assert by_hand.max() > 0


def test_a_batch_without_a_certain_image_moves_nothing(batch):
    m = build(EATA, margin=0.1)
    before = m.neck[1].weight.clone()
    train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
    assert m.neck[1].weight.equal(before)
    assert m.online.isfinite().all()
    assert not m.mean.any()
