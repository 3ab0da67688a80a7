"""Certain and diverse images, norms near the source's, priors (Marsden et al. 2024)."""

import math

import pytest
import torch

from da.methods.roid import (
    ROID,
    correct_prior,
    image_weights,
    likelihood_ratio,
    symmetric_cross_entropy,
)
from da.training.engine import train_step
from tests.conftest import build, normal


def test_weights_equal_those_of_loops():
    logits, mean = 2 * normal(9, 4), normal(4, seed=1).softmax(0)
    found = image_weights(logits, mean, 0.5)
    p = logits.softmax(1).tolist()

    def stretch(v):
        return [(x - min(v)) / (max(v) - min(v)) for x in v]

    def cosine(a, b):
        return sum(map(math.prod, zip(a, b, strict=True))) / math.hypot(*a) / math.hypot(*b)

    diverse = stretch([1 - cosine(mean.tolist(), row) for row in p])
    certain = stretch([sum(q * math.log(q) for q in row) for row in p])
    want = [
        math.exp(d * c / 0.5) if d >= sum(diverse) / 9 else 0.0
        for d, c in zip(diverse, certain, strict=True)
    ]
    assert found.tolist() == pytest.approx(want)
    assert 0 < (found == 0).sum() < 9


def test_likelihood_ratio_and_prior_equal_loops():
    logits = 3 * normal(6, 3)
    p = logits.softmax(1)
    want = []
    for row in p.tolist():
        cut = [min(q, 0.99) for q in row]
        want.append(-sum(q * math.log(q / (1 - q) + 1e-5) for q in cut))
    assert likelihood_ratio(logits).tolist() == pytest.approx(want)
    prior = [sum(column) / 6 for column in p.T.tolist()]
    smooth = (1 / 3) / max(prior)
    factor = [(q + smooth) / (1 + 3 * smooth) for q in prior]
    assert sum(factor) == pytest.approx(1)
    torch.testing.assert_close(correct_prior(logits), logits * torch.tensor(factor).double())
    both = symmetric_cross_entropy(logits, logits.flip(0))
    assert both.equal(symmetric_cross_entropy(logits.flip(0), logits))


def test_equal_predictions_have_finite_weights():
    assert image_weights(torch.zeros(4, 3), torch.ones(3) / 3, 1.0).isfinite().all()


def test_norms_are_pulled_to_the_source_s(batch):
    steps = []
    for keep in (1.0, 0.5, 0.0):
        m = build(ROID, source_keep=keep, feature_dropout=0.0)
        before = m.neck[1].weight.detach().clone()
        losses = train_step(m, torch.optim.SGD(m.parameters(), 0.1), batch, 0.0)
        steps.append(m.neck[1].weight.detach() - before)
    assert steps[0].abs().max() > 1e-4
    torch.testing.assert_close(steps[1], steps[0] / 2, rtol=1e-3, atol=1e-7)
    assert steps[2].abs().max() < 1e-7
    assert losses["consistency"] > 0
    p = build(ROID).predict(batch.target.x).softmax(1).mean(0)
    torch.testing.assert_close(m.mean, (0.9 / 3 + 0.1 * p).detach())
