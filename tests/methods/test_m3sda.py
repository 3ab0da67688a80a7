"""Moments of all pairs of domains, and a pair of heads for each source (Peng et al. 2019)."""

from dataclasses import replace
from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

from da.methods import Network
from da.methods._several_sources import source_weights
from da.methods.m3sda import M3SDA, moment_distance
from da.models.backbones.mlp import MLP

DOMAIN = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2])


@pytest.fixture
def three(batch):
    return replace(batch, source=replace(batch.source, domain=DOMAIN))


def built(**hp) -> M3SDA:
    torch.manual_seed(0)
    return M3SDA.Hparams(**hp).build(MLP(5, 16), 3, Network(neck=8, dropout=0), 3)


@pytest.mark.parametrize("moments", [1, 3])
def test_moments_of_all_pairs_are_compared(three, moments):
    f_s, f_t = three.source.x, three.target.x
    parts = [f_s[i == DOMAIN] for i in range(3)]
    expected = 0.0
    for k in range(1, moments + 1):
        mean = [(f**k).mean(0) for f in (*parts, f_t)]
        expected += sum((m - mean[3]).square().sum().sqrt() for m in mean[:3]) / 3
        expected += sum((a - b).square().sum().sqrt() for a, b in combinations(mean[:3], 2)) / 3
    found = moment_distance(f_s, f_t, source_weights(three.source, 3), moments)
    torch.testing.assert_close(found, expected)


def test_each_pair_of_heads_learns_its_source_alone(three):
    m = built(trade_off=0.0)
    f_s, _ = m.features(three)
    losses = m(three, 0.5)
    for name, place in (("task", 0), ("task_rival", 1)):
        each = [
            F.cross_entropy(pair[place](f_s[i == DOMAIN]), three.source.y[i == DOMAIN])
            for i, pair in enumerate(m.pairs)
        ]
        torch.testing.assert_close(losses[name], torch.stack(each).mean())


def test_all_heads_part_in_step_b_and_features_bring_them_together(three):
    m = built()
    _, second, *third = m.phases()
    heads = {id(p) for pair in m.pairs for head in pair for p in head.parameters()}
    assert {id(p) for p in second.updates} == heads
    f_t = m.features(three)[1]
    gaps = [F.l1_loss(a(f_t).softmax(1), b(f_t).softmax(1)) for a, b in m.pairs]
    losses = second.losses(three, 0.5)
    torch.testing.assert_close(losses["disagree"], -sum(gaps) / 3)
    torch.testing.assert_close(third[0].losses(three, 0.5)["agree"], sum(gaps) / 3)
    assert len(third) == 4


def test_predictions_are_the_mean_of_all_heads(three):
    m = built().eval()
    f = m.embed(three.target.x)
    each = [head(f).softmax(1) for pair in m.pairs for head in pair]
    torch.testing.assert_close(m.predict(three.target.x).softmax(1), sum(each) / 6)
