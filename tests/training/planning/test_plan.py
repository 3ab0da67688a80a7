"""A plan on known costs has exact numbers; on a small experiment it is about what a sweep takes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.config.registry import SELECTORS
from da.methods import METHODS
from da.results import records
from da.results.records import Record
from da.runs.run import Run
from da.system.environment import environment
from da.training.planning import measures, plan
from da.training.planning.plan import FeaturePlan, MethodPlan, build_plan, last_end
from da.training.planning.plan_text import render_plan
from da.training.planning.run_cost import Cost, FeatureCost
from da.training.sweep import sweep_outcomes

DANN = Run(
    METHODS["dann"].Hparams(), "moons:0-20", "mlp", "random", "full", steps=40, eval_every=20
)
ONLY = replace(DANN, method=METHODS["source_only"].Hparams())
RESULTS = Path("results")


@pytest.fixture(autouse=True)
def _start_up(monkeypatch):
    monkeypatch.setattr(plan.time, "process_time", lambda: 2.0)


@pytest.fixture
def measured(monkeypatch) -> list[Run]:
    """Runs that were measured, which all cost the same."""
    seen: list[Run] = []

    def measure(run, weights, how):
        seen.append(run)
        return Cost(3.0, 10.0, 1e6, 2e6, 5e6 * weights)

    monkeypatch.setattr(measures, "measure_run", measure)
    return seen


def store(run: Run, seconds: float, **about: str) -> None:
    """Store the record of a run on a machine like this one."""
    here = {"machine": environment()["machine"], "device": "cpu"}
    here |= {"threads": str(torch.get_num_threads())}
    point = {"step": 40, "target_accuracy": 50.0, **dict.fromkeys(SELECTORS, 0.5)}
    record = Record(run.id, run.settings(), [point], seconds, environment=here | about)
    records.save(record, RESULTS)


def seeds(run: Run, *numbers: int) -> list[Run]:
    return [replace(run, seed=seed) for seed in numbers]


def test_times_are_medians_of_earlier_runs_of_the_kind(measured):
    for run, seconds in zip(seeds(DANN, 7, 8, 9), (4.0, 6.0, 50.0), strict=True):
        store(run, seconds)
    found = build_plan(seeds(DANN, 7, 0, 1, 2), RESULTS, workers=1, device="cpu")
    assert measured == []
    assert found.methods == [MethodPlan("dann", 4, 1, 18.0, 0, ("median of 3 earlier runs",))]
    assert found.wall_seconds == 2 + 18
    size = records.record_path(RESULTS, replace(DANN, seed=7).id).stat().st_size
    assert found.gigabytes["records"] == pytest.approx(3 * size / 1e9, rel=0.01)


@pytest.mark.parametrize(
    "about", [{"machine": "abacus"}, {"device": "cuda"}, {"threads": "64"}], ids=str
)
def test_times_of_another_machine_do_not_count(measured, about):
    store(replace(DANN, seed=9), 4.0, **about)
    found = build_plan([DANN], RESULTS, workers=1, device="cpu")
    assert measured == [DANN]
    assert found.seconds == 13


def test_records_that_are_made_again_do_not_count(measured):
    store(DANN, 4.0)
    found = build_plan([DANN], RESULTS, workers=1, device="cpu", again=[DANN.id])
    assert measured == [DANN]
    assert (found.methods[0].done, found.seconds) == (0, 13)


def test_a_kind_is_measured_once_and_runs_that_are_one_training_share_its_steps(measured):
    twins = [ONLY, replace(ONLY, task="moons:0-40")]
    runs = [*twins, *seeds(DANN, 0, 1, 2)]
    found = build_plan(runs, RESULTS, workers=1, device="cpu")
    assert measured == [ONLY, DANN]
    assert [method.seconds for method in found.methods] == [2 * (3 + 10 / 2), 3 * 13]
    assert found.gigabytes == pytest.approx(
        {"records": 5e-3, "outputs": 1e-2, "weights": 0, "features": 0}
    )


def test_runs_that_others_begin_with_come_first_and_store_weights(measured, monkeypatch):
    monkeypatch.setattr(
        measures, "run_in_processes", lambda do, asks, n: ((a, do(a)) for a in asks)
    )
    after = replace(ONLY, method=METHODS["shot"].Hparams(), init=ONLY.id)
    found = build_plan([after, ONLY, DANN], RESULTS, workers=2, device="cpu")
    assert found.wall_seconds == 2 * 2 + 13 + 13
    assert found.seconds == 3 * 13
    assert found.gigabytes["weights"] == pytest.approx(5e-3)


def test_weights_that_nobody_has_are_noted(measured):
    lost = replace(DANN, init="a" * 12)
    found = build_plan([lost], RESULTS, workers=1, device="cpu")
    assert found.notes == [f"run {'a' * 12} has no weights in results, and 1 of the runs need them"]


def test_features_to_come_are_counted_once(measured, monkeypatch):
    monkeypatch.setattr(
        measures, "measure_features", lambda run, how: {"mlp": FeatureCost(0.001, 400)}
    )
    runs = [replace(DANN, init=ONLY.id, regime="frozen", seed=seed) for seed in (0, 1)]
    found = build_plan([ONLY, *runs], RESULTS, workers=1, device="cpu")
    assert replace(found.features, seconds=0.0) == FeaturePlan(2, 0, 1800)
    assert found.features.seconds == pytest.approx(1.8)
    assert found.gigabytes["features"] == pytest.approx(1800 * 400 / 1e9)
    assert found.wall_seconds == pytest.approx(2 + 1.8 + 3 * 13)


def test_a_run_that_cannot_be_measured_is_noted(monkeypatch):
    def fail(run, weights, how):
        raise ValueError("no such moon")

    monkeypatch.setattr(measures, "measure_run", fail)
    bad = replace(DANN, task="moons:0-x")
    found = build_plan([DANN, bad], RESULTS, workers=1, device="cpu")
    assert [(method.unknown, method.seconds) for method in found.methods] == [(2, 0)]
    assert found.notes[-1] == "dann moons:0-20 seed 0: ValueError: no such moon"
    assert "dann moons:0-x seed 0: unknown rotation 'x'" in found.notes[0]
    assert "time: at least " in render_plan(found)


def test_what_is_done_costs_nothing(measured):
    store(DANN, 4.0)
    found = build_plan([DANN], RESULTS, workers=1, device="cpu")
    assert (found.wall_seconds, found.seconds, found.methods[0].done) == (0, 0, 1)
    assert "room: nothing more" in render_plan(found)


@pytest.mark.parametrize(
    ("seconds", "workers", "end"),
    [([], 2, 0), ([5], 2, 5), ([1, 2, 3, 4], 2, 6), ([4, 3, 2, 1], 2, 5), ([1, 1, 9], 3, 9)],
)
def test_each_worker_takes_the_next_task(seconds, workers, end):
    assert last_end(seconds, workers) == end


def test_a_plan_as_text(measured):
    store(replace(DANN, seed=9), 360.0)
    found = build_plan([*seeds(DANN, 9, 0), ONLY], RESULTS, workers=1, device="cpu")
    lines = render_plan(found, price=7.2).splitlines()
    assert lines[:3] == [
        "method       runs  done  a run  together  time from",
        "dann            2     1  6 min     6 min  an earlier run",
        "source_only     1     0   13 s      13 s  measured now",
    ]
    assert lines[4] == "runs: 3, of which 1 are done and 2 are to come"
    assert lines[5].startswith("room: records 1.0 MB, outputs 2.0 MB")
    assert lines[6] == "time: 6 min with 1 worker, 6 min one after the other"
    assert lines[7] == "money: 0.75 at 7.2 an hour"


@pytest.mark.slow
def test_a_plan_is_about_what_a_sweep_takes(tmp_path):
    runs = [*seeds(ONLY, 0, 1), *seeds(replace(DANN, steps=400), 0, 1)]
    found = build_plan(runs, RESULTS, workers=1, device="cpu")
    assert [*tmp_path.iterdir()] == []
    taken = sum(o.record.seconds for o in sweep_outcomes(runs, RESULTS, workers=1))
    assert taken / 4 < found.seconds < 4 * taken
