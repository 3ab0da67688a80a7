"""Heads of a network, and labels that are smoothed for any method."""

import math
from dataclasses import replace

import pytest
import torch
from torch import nn

from da.methods import METHODS, Network
from da.methods.base import Batch
from da.models.network import build_head, build_neck
from da.ops.random import Dropout
from tests.conftest import build

SUPERVISED = [
    kind
    for kind in METHODS.values()
    if not kind.source_free and kind.family not in ("baseline", "peer")
]


def test_a_hidden_layer_has_its_dropout():
    head = build_head(Network(head=(16, 8), head_dropout=0.5), 4, 3)
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["Linear", "ReLU", "Dropout"] * 2 + ["Linear"]
    assert all(layer.share == 0.5 for layer in head if isinstance(layer, Dropout))


def test_a_neck_of_two_layers_is_that_of_osbps_authors():
    neck, width = build_neck(Network(neck=8, dropout=0.5, neck_layers=2), 4)
    kinds = [type(layer).__name__ for layer in neck]
    assert kinds == ["Linear", "BatchNorm1d", "ReLU", "Dropout"] * 2
    assert [tuple(neck[i].weight.shape) for i in (0, 4)] == [(8, 4), (8, 8)]
    assert width == 8


def test_a_head_of_mcds_authors():
    settings = {"head_norm": True, "head_dropout": 0.5, "head_dropout_at": "inputs"}
    head = build_head(Network(head=(16, 8), **settings), 4, 3)
    kinds = [type(layer).__name__ for layer in head]
    assert kinds == ["Dropout", "Linear", "BatchNorm1d", "ReLU"] * 2 + ["Linear"]


@pytest.mark.parametrize("init_as", ["default", "cdan"])
def test_a_weight_normed_classifier_is_pytorchs(init_as):
    (layer,) = build_head(Network(head_weight_norm=True, init_as=init_as), 4, 3)
    plain = nn.Linear(4, 3)
    plain.load_state_dict({"weight": layer.weight, "bias": layer.bias})
    x = torch.randn(5, 4)
    torch.testing.assert_close(layer(x), plain(x))  # it begins as what was drawn
    theirs = nn.utils.parametrizations.weight_norm(plain)
    for m in (layer, theirs):
        m(x).square().sum().backward()
    length, direction = theirs.parametrizations.weight.parameters()
    torch.testing.assert_close(layer.length.grad, length.grad)
    torch.testing.assert_close(layer.weight.grad, direction.grad)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"dropout": 1.5}, "dropout is at least 0 and below 1, not 1.5"),
        ({"head": (8,), "head_dropout": 2}, "head_dropout is at least 0 and below 1, not 2"),
        ({"head_dropout": 0.5}, "head_dropout goes with hidden layers, for example head 512"),
        ({"head_norm": True}, "head_norm goes with hidden layers, for example head 512"),
        ({"head_dropout_at": "inputs"}, "head_dropout_at inputs goes with head_dropout"),
        ({"neck": 0, "neck_layers": 2}, "neck_layers goes with a neck, for example neck 256"),
        ({"label_smoothing": -1}, "label_smoothing is at least 0 and below 1, not -1"),
        ({"label_smoothing": math.nan}, "label_smoothing is at least 0 and below 1, not nan"),
        ({"neck": -1}, "neck is 0 or more, not -1"),
        ({"head": (8, 0)}, r"each of head is 1 or more, not \(8, 0\)"),
    ],
)
def test_settings_without_sense_are_refused(settings, message):
    with pytest.raises(ValueError, match=f"^wrong settings: {message}$"):
        Network(**settings)


def test_xavier_is_uniform_within_its_bound():
    torch.manual_seed(0)
    (layer,) = build_head(Network(head_init="xavier"), 400, 200)
    assert isinstance(layer, nn.Linear)
    bound = (6 / (400 + 200)) ** 0.5
    assert 0.99 * bound < layer.weight.abs().max() <= bound
    (usual,) = build_head(Network(), 400, 200)
    assert usual.weight.abs().max() <= 1 / 400**0.5


@pytest.mark.parametrize("kind", SUPERVISED, ids=lambda kind: kind.name)
def test_labels_are_smoothed_in_every_methods_task_loss(kind, batch):
    m = build(kind).eval()
    plain = first_loss(m, batch)
    m.network = replace(m.network, label_smoothing=0.3)
    assert first_loss(m, batch) != plain


def first_loss(m, batch: Batch) -> float:
    torch.manual_seed(0)
    for phase in m.phases():
        losses = phase.losses(batch, 0.5)
        if "task" in losses:
            return losses["task"].item()
    raise AssertionError("no task loss")
