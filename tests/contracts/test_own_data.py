"""Every method trains on a user's own tensors with a user's own network."""

import pytest
import torch
from torch import nn

import da
from da.methods import METHODS
from da.methods.base import Method
from tests.conftest import begin_with, skip_without
from tests.fixtures.datasets import noise

Y = [0, 1, 2] * 8


def module() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU())


@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("kind", METHODS.values(), ids=METHODS)
@pytest.mark.parametrize("labeled", [pytest.param(True, marks=pytest.mark.slow), False])
def test_every_method_trains_on_own_tensors(kind: type[Method], labeled: bool, tmp_path):
    skip_without(kind.needs)
    source, pixels = torch.tensor(noise(24, 6, 6, 3)), torch.tensor(noise(24, 6, 6, 3, seed=1))
    target = (pixels, Y) if labeled else pixels
    task = da.Task(source=(source, Y), target=target)
    usual = {"steps": 2, "batch": 6, "side": 12}
    regime = "frozen" if kind.frozen_only else "full"
    first = da.Run(da.methods.SourceOnly(), task, module(), regime="full", **usual)
    begun, text = begin_with(kind, first.id), task + "+2shot" * kind.takes_shots
    if kind.source_free or kind.taught:
        da.train(first, quiet=True, save_weights=True, results=tmp_path)
    if kind.takes_domains:
        with pytest.raises(ValueError, match=f"{kind.name} needs several sources"):
            da.Run(task=text, backbone=module(), regime=regime, **usual, **begun)
        return
    run = da.Run(task=text, backbone=module(), regime=regime, **usual, **begun)
    if kind.takes_shots and not labeled:
        with pytest.raises(ValueError, match="have no labels: none can be shown"):
            da.train(run, quiet=True, results=tmp_path)
        return
    point = da.train(run, quiet=True, results=tmp_path).curve[-1]
    assert ("target_accuracy" in point) == labeled
    assert point["entropy"] <= 0
    assert not any("target_accuracy" in name for name in point) or labeled
