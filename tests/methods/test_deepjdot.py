"""Target images that move to where they are transported from (Damodaran et al. 2018)."""

from dataclasses import replace

import ot
import pytest
import torch
import torch.nn.functional as F

from da.methods.deepjdot import DeepJDOT, cross_entropies
from tests.conftest import build, normal

EVEN = {"feature_trade_off": 0.3, "class_trade_off": 0.7}


def test_domains_near_one_another_along_the_feature_cost(batch):
    m = build(DeepJDOT, feature_trade_off=1.0)

    def distance() -> float:
        f_s, f_t = (f.detach() for f in m.features(batch))
        return ot.emd2([], [], ot.dist(f_s, f_t)).item()

    before = distance()
    m(batch, 0.5)["features"].backward()
    with torch.no_grad():
        for p in m.backbone.parameters():
            p -= 0.1 * p.grad
    assert distance() < 0.95 * before


@pytest.mark.parametrize("part", ["backbone", "head"])
def test_images_turn_to_the_classes_they_are_sent_along_the_class_cost(batch, part):
    m = build(DeepJDOT, class_trade_off=1.0)
    one_class = replace(batch, source=replace(batch.source, y=torch.full((8,), 2)))
    before = m.head(m.features(batch)[1]).softmax(1)[:, 2].mean()
    m(one_class, 0.5)["classes"].backward()
    with torch.no_grad():
        for p in m.get_submodule(part).parameters():
            p -= p.grad
    assert m.head(m.features(batch)[1]).softmax(1)[:, 2].mean() > before + 0.01


def test_equals_pot_on_the_cost_written_by_hand(batch):
    m = build(DeepJDOT, **EVEN)
    f_s, f_t = (f.detach() for f in m.features(batch))
    log_p = m.head(f_t).log_softmax(1).detach()
    cost = torch.tensor(
        [
            [0.3 * (a - b).square().sum() - 0.7 * q[y] for b, q in zip(f_t, log_p, strict=True)]
            for a, y in zip(f_s, batch.source.y, strict=True)
        ]
    )
    losses = m(batch, 0.5)
    even = torch.full((8,), 1 / 8)
    torch.testing.assert_close(losses["features"] + losses["classes"], ot.emd2(even, even, cost))
    torch.testing.assert_close(losses["task"], F.cross_entropy(m.head(f_s), batch.source.y))


def test_the_order_of_images_does_not_matter(batch):
    m = build(DeepJDOT, **EVEN)
    turned = replace(batch, target=replace(batch.target, x=batch.target.x.flip(0)))
    torch.testing.assert_close(m(batch, 0.5), m(turned, 0.5))


def test_cross_entropy_of_each_prediction_with_each_class():
    y, logits = torch.tensor([2, 0, 2]), normal(4, 3)
    found = cross_entropies(y, logits)
    assert found.shape == (3, 4)
    for i, one in enumerate(y):
        expected = F.cross_entropy(logits, one.expand(4), reduction="none")
        torch.testing.assert_close(found[i], expected)
