"""A classifier that raises the target's entropy, features that lower it (Saito et al. 2019)."""

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods.mme import MME
from da.models.backbone import Features
from tests.conftest import build


def test_logits_are_products_with_unit_features(batch):
    m = build(MME)
    f = m.embed(batch.target.x)
    expected = (f / f.norm(dim=1, keepdim=True)) @ m.head[-1].weight.mT / 0.05
    torch.testing.assert_close(m.predict(batch.target.x), expected, rtol=1e-4, atol=1e-4)
    assert [name for name, _ in m.head.named_parameters()] == ["0.weight"]


def test_hidden_layers_of_the_head_come_before():
    m = MME.Hparams().build(Features(5), 3, Network(neck=8, head=(6,), dropout=0))
    f = torch.randn(4, 8)
    hidden = m.head[:-1](f)
    torch.testing.assert_close(m.head(f), m.head(f * 1.0))
    assert hidden.shape == (4, 6)
    assert len([*m.head.parameters()]) == 3


@pytest.mark.parametrize("part", ["head", "neck"])
def test_the_head_climbs_the_entropy_and_features_descend_it(batch, part):
    m = build(MME, trade_off=0.3, temperature=1.0)
    _, second = m.phases()
    weights = [*m.get_submodule(part).parameters()]
    p = m.predict(batch.target.x).softmax(1)
    entropy = -(p * p.log()).sum(1).mean()
    losses = second.losses(batch, 0.5)
    assert losses["entropy"].item() == pytest.approx(-0.3 * entropy.item(), rel=1e-5)
    found = torch.autograd.grad(losses["entropy"], weights)
    sign = {"head": -0.3, "neck": 0.3}[part]
    for mine, plain in zip(found, torch.autograd.grad(entropy, weights), strict=True):
        torch.testing.assert_close(mine, sign * plain, rtol=1e-4, atol=1e-6)


def test_the_first_step_is_of_labeled_images_alone(batch):
    m = build(MME)
    first, _ = m.phases()
    expected = F.cross_entropy(m.predict(batch.source.x), batch.source.y)
    torch.testing.assert_close(first.losses(batch, 0.5), {"task": expected})


def test_features_that_cannot_learn_are_refused():
    with pytest.raises(ValueError, match="mme learns features"):
        MME.Hparams().build(Features(5), 3, Network(neck=0))
