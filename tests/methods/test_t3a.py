"""Prototypes of certain test images (Iwasawa & Matsuo 2021)."""

import pytest
import torch

from da.data.domain import Images
from da.methods.t3a import T3A
from da.training.engine import train_step
from tests.conftest import build


@torch.no_grad()
def by_hand(m, batches, most: int) -> list[torch.Tensor]:
    """Image by image and class by class, with lists."""
    head, found = m.head[-1], []
    bank = [[] for _ in range(3)]

    def add(z):
        logits = z @ head.weight.T + head.bias
        p = logits.softmax(0)
        bank[int(logits.argmax())].append((float(-(p * p.log()).sum()), z / z.norm()))

    for row in head.weight:
        add(row)
    for x in batches:
        f = m.embed(x)
        for z in f:
            add(z)
        for k in range(3):
            bank[k] = sorted(bank[k], key=lambda one: one[0])[:most]
        center = [sum((z for _, z in some), torch.zeros(8)) for some in bank]
        found.append(torch.stack([f @ c / max(c.norm(), 1e-12) for c in center], 1))
    return found


@pytest.mark.parametrize("most", [1, 4, 0])
def test_predictions_equal_those_with_lists(batch, most):
    m = build(T3A, supports=most)
    m.head[0].weight.data.mul_(3)
    m.prepare_target(Images(torch.zeros(8, 5), torch.arange(8)))
    batches = batch.source.x, batch.target.x
    for x, want in zip(batches, by_hand(m, batches, most or 99), strict=True):
        shown = type(batch)(batch.source, type(batch.target)(x, batch.target.index))
        train_step(m, torch.optim.SGD([torch.nn.Parameter(x[0])], 0.1), shown, 0.0)
        torch.testing.assert_close(m.online, want)
        torch.testing.assert_close(m.predict(x), want)
    assert len(m.labels) <= (3 * most or 99)


def test_a_look_at_losses_adds_no_support(batch):
    m = build(T3A)
    m(batch, 0.0)
    assert len(m.supports) == 3
