"""Initial weights as authors' code draws them."""

import pytest
import torch
from torch import nn

from da.methods import Network
from da.methods.adda import ADDA
from da.methods.dann import DANN
from da.methods.mdd import MDD
from da.models.backbones.mlp import MLP
from da.models.initialization import draw_rest

WIDE = {"neck": 400, "head": (300,)}


def built(init_as: str, kind=DANN, **settings):
    torch.manual_seed(0)
    hp = kind.Hparams(**settings)
    m = hp.build(MLP(2, 500), 200, Network(**WIDE, init_as=init_as))
    draw_rest(m, init_as)
    return m


def spread(layer: nn.Module) -> list[float]:
    """Mean and deviation of weights, and of biases."""
    each = layer.weight.detach(), layer.bias.detach()
    return [round(float(f(x)), 4) for x in each for f in (torch.mean, torch.std)]


def near(*numbers: float):
    return pytest.approx(numbers, rel=0.1, abs=2e-3)


def test_cdan_draws_xavier_normal_everywhere():
    m = built("cdan", hidden=(600, 400), hidden_norm=True)
    d = m.discriminator
    linear = [layer for layer in d.modules() if isinstance(layer, nn.Linear)]
    norm = next(layer for layer in d.modules() if isinstance(layer, nn.BatchNorm1d))
    for layer in (m.neck[0], m.head[0], m.head[-1], *linear[:-1]):
        outputs, inputs = layer.weight.shape
        assert spread(layer) == near(0, (2 / (inputs + outputs)) ** 0.5, 0, 0)
    for layer in (m.neck[1], norm):
        assert spread(layer) == near(1, 0.02, 0, 0)


def test_mdd_draws_the_neck_apart():
    m = built("mdd", MDD)
    assert spread(m.neck[0]) == near(0, 0.005, 0.1, 0)
    assert spread(m.neck[1]) == [1, 0, 0, 0]
    for layer in (m.head[0], m.head[-1], m.rival[0], m.rival[-1]):
        assert spread(layer) == near(0, 0.01, 0, 0)


def test_safn_draws_biases_too():
    m = built("safn")
    for layer in (m.neck[0], m.head[0], m.head[-1]):
        assert spread(layer) == near(0, 0.01, 0, 0.01)
    assert spread(m.neck[1]) == near(1, 0.01, 0, 0)


def test_shot_draws_the_neck_and_leaves_other_weights():
    m, usual = built("shot"), built("default")
    outputs, inputs = m.neck[0].weight.shape
    assert spread(m.neck[0]) == near(0, (2 / (inputs + outputs)) ** 0.5, 0, 0)
    assert spread(m.neck[1]) == [1, 0, 0, 0]
    for layer, other in ((m.head[0], usual.head[0]), (m.head[-1], usual.head[-1])):
        assert spread(layer)[:2] == near(*spread(other)[:2])
        assert spread(layer)[2:] == [0, 0]


def test_pada_draws_no_biases():
    m = built("pada")
    assert spread(m.neck[0]) == near(0, 0.005, 0, 0)
    for layer in (m.head[0], m.head[-1], m.discriminator[0]):
        assert spread(layer) == near(0, 0.01, 0, 0)


def test_a_copy_begins_as_what_it_copies():
    m = built("cdan", ADDA)
    assert torch.equal(m.source_encoder[1][0].weight, m.neck[0].weight)


def test_by_default_nothing_is_drawn():
    a, b = DANN.Hparams(), built("default")
    torch.manual_seed(0)
    other = a.build(MLP(2, 500), 200, Network(**WIDE))
    pairs = zip(other.parameters(), b.parameters(), strict=True)
    assert all(torch.equal(x, y) for x, y in pairs)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    draw_rest(b, "default")
    assert torch.equal(torch.get_rng_state(), state)


def test_two_choices_of_one_classifier_are_refused():
    with pytest.raises(ValueError, match="init_as mdd draws the classifier too"):
        Network(init_as="mdd", head_init="xavier")
