"""Frozen features of several backbones in one row."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn

import da
from da.data import tasks
from da.deploy.export import metadata
from da.methods.source_only import SourceOnly
from da.models import features
from da.models.features import scale_rows
from da.models.frozen_backbone import FrozenBackbone
from da.runs.run import Run
from da.runs.trained_model import load_model
from da.training.backbone_setup import _check_interpolations
from da.training.setup import assemble
from da.training.train import train
from tests.fixtures.datasets import noise

TINY = '''"""A layer with weights of its own seed."""

import torch

from da.models.backbone import Backbone


def build(pretrained):
    """Build the layer."""
    torch.manual_seed({seed})
    body = torch.nn.Sequential(
        torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten(), torch.nn.Linear(12, {width})
    )
    return Backbone(body, {width}, ({seed} / 10,) * 3, (1.0,) * 3, 0, "{way}")
'''


@pytest.fixture
def run(plugins) -> Run:
    """A run on two tiny backbones, with 4 and 6 features."""
    for seed, (name, width, way) in enumerate((("a", 4, "bicubic"), ("b", 6, "bilinear"))):
        text = TINY.format(seed=seed, width=width, way=way)
        (plugins / f"backbones/tiny_{name}.py").write_text(text)
    y = [0, 1] * 10
    task = da.Task(source=(noise(20, 9, 9, 3), y), target=(noise(20, 9, 9, 3, seed=1), y))
    return Run(SourceOnly.Hparams(), task, "tiny_a+tiny_b", steps=2, eval_every=2)


def test_features_are_those_of_each_backbone_side_by_side(run):
    both, *each = (
        assemble(replace(run, backbone=name), "cpu").task.source_train.x
        for name in ("tiny_a+tiny_b", "tiny_a", "tiny_b")
    )
    assert both.equal(torch.cat(each, 1))
    torch.testing.assert_close(both.square().mean(1), torch.ones(len(both)))


def test_features_are_computed_once_a_backbone(run, monkeypatch):
    assemble(replace(run, backbone="tiny_b"), "cpu")
    computed, usual = [], features._compute
    monkeypatch.setattr(
        features, "_compute", lambda part, d, own, *rest: computed.append(own.name)
        or usual(part, d, own, *rest)
    )  # fmt: skip
    assemble(run, "cpu")
    assemble(replace(run, backbone="tiny_b+tiny_a"), "cpu")
    assert computed == ["tiny_a", "tiny_a"]


def test_a_finished_run_is_one_network(run):
    record = train(run, device="cpu", save_weights=True, quiet=True)
    model = load_model(record.id)
    test = assemble(run, "cpu").task.target_test
    own = assemble(replace(run, backbone="tiny_a"), "cpu").task.target_test
    assert model.backbone.width == 10
    images = torch.rand(3, 3, 9, 9)
    f = model.backbone(images)
    torch.testing.assert_close(scale_rows(f), f)
    assert test.x.shape[1] - own.x.shape[1] == 6
    told = json.loads(metadata(record, model)["preprocessing"])
    assert told["mean"] == [[0.0] * 3, pytest.approx([0.1] * 3)]


def test_ways_to_enlarge_images_that_differ_are_told_where_they_matter(run):
    ways = [("a", "bicubic"), ("b", "bilinear")]
    several = [FrozenBackbone(nn.Identity, "x", interpolation=how, name=n) for n, how in ways]
    domains = tasks.open_domains(run.task)
    _check_interpolations(run, several, domains)
    small = [replace(domain, x=domain.x[:, :9, :9]) for domain in domains]
    run = replace(run, side=10)
    with pytest.raises(ValueError, match="a bicubic and b bilinear: choose one way"):
        _check_interpolations(run, several, small)
    _check_interpolations(replace(run, interpolation="bicubic"), several, small)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"backbone": "tiny_a+"}, r"'tiny_a\+' has an empty name"),
        ({"backbone": "tiny_a+tiny_a"}, "has a name twice"),
        ({"regime": "full"}, r"tiny_a\+tiny_b joins features: it needs regime frozen"),
    ],
)
def test_names_that_cannot_be_joined(run, change, said):
    with pytest.raises(ValueError, match=said):
        replace(run, **change)


def test_tables_have_a_row_for_each_backbone(run):
    runs = [replace(run, backbone=name) for name in ("tiny_a", "tiny_b", "tiny_a+tiny_b")]
    found = [train(each, device="cpu", quiet=True) for each in runs]
    table = da.table(found)
    for each in runs:
        assert f"backbone={each.backbone} " in str(table)
