"""Each published recipe as it stands, on tiny files in the format of its data set."""

from dataclasses import replace
from pathlib import Path

import pytest
from torchvision import models

from da.data import tasks
from da.models import backbone
from da.models.backbones._timm import import_timm
from da.runs import experiment
from da.runs.run import Run
from da.training.train import train
from tests.fixtures import datasets

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SMALL = {"vgg16": "vgg11", "resnet50": "resnet18"}
"""Networks of the same family that are small enough for a test."""


def recipe(name: str) -> list[Run]:
    """Its runs of seed 0."""
    return [run for run in experiment.load_experiment(EXPERIMENTS / f"{name}.py") if run.seed == 0]


def shortened(run: Run) -> Run:
    """Three steps of it at 32 pixels with a small network, without VGG's hidden layers."""
    run = replace(run, keep_hidden=False)
    backbone = SMALL.get(run.backbone, run.backbone)
    every = run.tuning.unfreeze_every
    tuning = replace(run.tuning, unfreeze_every=min(1, every), drop_every=0)
    return replace(run, backbone=backbone, side=32, steps=3, batch=2, eval_every=3, tuning=tuning)


@pytest.fixture(autouse=True)
def _unpretrained(monkeypatch):
    """No weights can be fetched: pretrained ones are random."""
    real = models.get_model
    monkeypatch.setattr(models, "get_model", lambda name, weights=None: real(name, weights=None))
    import_timm()
    backbone._warn.cache_clear()


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """A folder with every data set, that `DA_DATA` names."""
    monkeypatch.setenv("DA_DATA", str(tmp_path))
    datasets.cifar10(tmp_path, monkeypatch, each=2)
    for name in ("images", "cats_and_dogs"):
        datasets.image_folder(tmp_path / name)
    datasets.luna16(tmp_path / "luna16")
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "cifar10_resnet18",
        "cifar10_resnet50",
        "imagefolder_resnet50",
        "cats_dogs_vgg16",
        "luna16_resnet50",
    ],
)
def test_a_recipe_runs_to_its_end(name, data, capsys):
    for run in map(shortened, recipe(name)):
        record = train(run, device="cpu", quiet=True)
        assert [point["step"] for point in record.curve] == [3]
        classes = len(tasks.load_task(run.task).classes)
        assert sum(name.startswith("predicted/") for name in record.curve[0]) == classes
    told = capsys.readouterr().err
    assert "side 32 by hand, the weights of" in told
    assert ("mean (0.5, 0.5, 0.5) by hand" in told) == (name == "cifar10_resnet50")


def test_strategies_are_compared_on_all_data_by_all_labels():
    runs = experiment.load_experiment(EXPERIMENTS / "strategies.py")
    assert len({run.id for run in runs}) == len(runs) == 6 * 4 * 7 * 3


def test_each_strategy_has_a_row():
    runs = experiment.load_experiment(EXPERIMENTS / "strategies.py", ["seed=0"])
    names = experiment.row_names(EXPERIMENTS / "strategies.py", runs)
    rows = [names[run.id] for run in runs]
    assert len(set(rows)) == 7
    assert rows[:7] * 24 == rows
    assert not experiment.row_names(EXPERIMENTS / "cifar10_resnet18.py", runs)


def test_pruned_runs_differ_from_the_parent_of_their_seed_in_what_is_taken_out():
    runs = experiment.load_experiment(EXPERIMENTS / "pruning.py")
    assert len({run.id for run in runs}) == len(runs) == 3 * (1 + 2 * 5)
    parents = {run.seed: run for run in runs if not run.sparsity}
    assert list(parents) == [0, 1, 2]
    for run in runs:
        begun = {"init": parents[run.seed].id} if run.sparsity else {}
        taken = {"sparsity": run.sparsity, "structured": run.structured}
        assert run == replace(parents[run.seed], **begun, **taken)
    full = experiment.load_experiment(EXPERIMENTS / "strategies.py", ["task=emoji:noto"])
    assert set(parents.values()) <= set(full)


def test_what_is_pruned_has_a_row_of_each_kind():
    runs = experiment.load_experiment(EXPERIMENTS / "pruning.py", ["seed=2"])
    names = experiment.row_names(EXPERIMENTS / "pruning.py", runs)
    assert [names[run.id] for run in runs] == ["parent"] + ["weights"] * 5 + ["channels"] * 5
