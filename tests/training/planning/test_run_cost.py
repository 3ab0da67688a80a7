"""The cost of a run, from a few steps and evaluations of it that leave nothing behind."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.methods import METHODS
from da.models.features import Recipe
from da.models.frozen_backbone import FrozenBackbone
from da.models.saved_weights import WeightsError, load_network_state
from da.runs.run import Run
from da.training.planning import run_cost
from da.training.planning.run_cost import (
    Conditions,
    Cost,
    _Taken,
    extract_or_stand_in,
    lend_weights,
    measure_features,
    measure_run,
)
from tests.conftest import points

RUN = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-20",
    backbone="mlp",
    init="random",
    regime="full",
    steps=40,
    eval_every=10,
)
AFTER = replace(RUN, method=METHODS["shot"].Hparams(), init=RUN.id)
ON_FEATURES = replace(RUN, init=RUN.id, regime="frozen")
HOW = Conditions(Path("results"), "cpu", runs={RUN.id: RUN})


@pytest.fixture
def short(monkeypatch) -> list[int]:
    """Short trainings that take known times; the list gets their steps."""
    steps: list[int] = []

    def take(run, count, looks, weights, how, folder):
        steps.append(count)
        seconds = 0.5 * count if len(steps) == 1 else 0.25 * count
        return _Taken(count, looks, run.steps, 3.0, seconds, 7.0 * looks, 0.5, 100, 1000, 50)

    monkeypatch.setattr(run_cost, "_take", take)
    return steps


def test_a_cost_is_scaled_to_the_steps_and_evaluations_of_the_run(short):
    found = measure_run(RUN, True, HOW)
    assert short == [5, 5]
    assert found == Cost(3 + 4 * 7 + 0.5, 0.25 * 40, 200, 1000, 50, "measured now")


def test_outputs_of_frozen_runs_grow_with_evaluations(short):
    assert measure_run(replace(ON_FEATURES, init="pretrained"), False, HOW).outputs == 2000


def test_as_many_steps_are_timed_as_take_long_enough(short, monkeypatch):
    monkeypatch.setattr(run_cost, "ENOUGH", 10.0)
    measure_run(RUN, False, HOW)
    monkeypatch.setattr(run_cost, "ENOUGH", 1e3)
    measure_run(RUN, False, HOW)
    assert short == [5, 20, 5, 40]


def test_a_slow_run_is_timed_once(short, monkeypatch):
    monkeypatch.setattr(run_cost, "SLOW", 0.0)
    assert measure_run(RUN, False, HOW).steps == 0.5 * 40
    assert short == [5]
    measure_run(replace(RUN, steps=1), False, HOW)
    assert short == [5, 1]


@pytest.mark.slow
def test_nothing_is_left_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "system"))
    (tmp_path / "system").mkdir()
    monkeypatch.setattr(run_cost, "ENOUGH", 0.0)
    before = sorted(tmp_path.rglob("*"))
    found = measure_run(ON_FEATURES, True, HOW)
    assert min(found.rest, found.steps, found.record, found.outputs, found.weights) > 0
    assert sorted(tmp_path.rglob("*")) == before


def test_the_cost_of_features_is_told_by_backbone(tmp_path):
    found = measure_features(ON_FEATURES, HOW)
    assert [*found] == ["mlp"]
    assert found["mlp"].bytes % 4 == 0
    assert found["mlp"].seconds > 0
    assert not [*tmp_path.iterdir()]


def test_a_run_to_come_lends_untrained_weights(tmp_path):
    lend_weights(AFTER, HOW, tmp_path)
    state, about = load_network_state(RUN.id, tmp_path)
    assert state
    assert about.settings["method"] == "source_only"


def test_weights_that_are_nowhere_are_one_line(tmp_path):
    with pytest.raises(WeightsError, match=f"no weights of run '{RUN.id}' in results/weights"):
        lend_weights(AFTER, replace(HOW, runs={}), tmp_path)


def test_features_that_are_not_stored_have_a_stand_in(tmp_path):
    class Wide(torch.nn.Module):
        width = 6

    x = torch.zeros(8, 4, 4, 3, dtype=torch.uint8)
    domain = points(x, torch.tensor([0, 1, -1, -1, 0, 1, -1, -1]))
    backbone = FrozenBackbone(Wide, "digest", interpolation="bilinear")
    cpu = torch.device("cpu")
    f = extract_or_stand_in(domain, backbone, Recipe(), cpu).x
    assert f.shape == (8, 6)
    torch.testing.assert_close(f.square().mean(1), torch.ones(8))
    assert extract_or_stand_in(domain, backbone, Recipe(views=2, augment="crop"), cpu).x.shape == (
        *(8, 3, 6),
    )
    assert not (tmp_path / "home").exists()
