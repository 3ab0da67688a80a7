"""Trials whose runs are carried out on a cluster are those of one process."""

import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest

from da.results.records import Record
from da.runs.run import Run
from da.search import tune
from da.search.at_once import carry_out_at_once
from da.search.space import search_space
from da.search.trial import Trial
from da.search.tune import Search
from da.training.executors.ray_cluster import RayCluster
from tests.fixtures.fake_ray import FakeRay, Ref
from tests.fixtures.frozen import ON_FEATURES, store_weights
from tests.fixtures.ray import WorkerCrashedError
from tests.search.test_tune import RUNS, SAMPLERS, carried_out, invented, score, search


def made(run: Run) -> Record:
    point = {"step": 4, "infomax": score(run), "target_accuracy": 50.0 - score(run)}
    return Record(run.id, run.settings(), [point], 1.0)


@pytest.fixture
def ray() -> FakeRay:
    fake = FakeRay()
    fake.made = made
    return fake


def on(ray: FakeRay, folder: Path, stop: Event | None = None, **more) -> Search:
    return search(folder, on=RayCluster(ray, {}, 0, stop), **more)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_one_at_a_time_gives_the_trials_of_this_machine(tmp_path, ray, monkeypatch, sampler):
    there = carried_out(on(ray, tmp_path / "there", sampler=sampler), 6)
    monkeypatch.setattr(tune, "sweep_outcomes", invented)
    assert there == carried_out(search(tmp_path / "here", sampler=sampler), 6)
    assert len(ray.sent) == sum(trial.runs for trial in there)


def test_several_at_once_are_each_carried_out_once(tmp_path, ray, monkeypatch):
    stop = Event()
    every = on(ray, tmp_path / "there", stop, sampler="random")
    ended = [*carry_out_at_once(every, 8, 3, stop)]
    trials = every.open().trials()
    assert sorted(trial.number for trial in ended) == list(range(8))
    assert len({*ray.sent}) == len(ray.sent) == sum(trial.runs for trial in trials)
    monkeypatch.setattr(tune, "sweep_outcomes", invented)
    here = carried_out(search(tmp_path / "here", sampler="random"), 8)
    assert [trial.settings for trial in trials] == [trial.settings for trial in here]


def test_a_run_that_always_dies_ends_the_search_in_all_threads(tmp_path, ray):
    ray.errors = {seed: [WorkerCrashedError("killed")] * 99 for seed in range(2)}
    stop = Event()
    with pytest.raises(ValueError, match="of a trial failed: its task ended by WorkerCrashedErr"):
        [*carry_out_at_once(on(ray, tmp_path, stop), 8, 3, stop)]
    assert not [*(tmp_path / ".locks").iterdir()]


@pytest.mark.slow
def test_trials_on_slurm_are_those_of_this_machine(tmp_path):
    pytest.importorskip("submitit", reason="the extra slurm is not installed")
    from da.training.executors.slurm import Slurm

    stop, space = Event(), search_space([ON_FEATURES], ["lr"])

    def trials(folder: Path, on: str | Slurm) -> list[Trial]:
        store_weights(folder)
        every = Search("tiny", [ON_FEATURES], space, folder, "random", on=on)
        if on == "local":
            return carried_out(every, 2)
        assert len([*carry_out_at_once(every, 2, 2, stop)]) == 2
        return every.open().trials()

    away = tmp_path / "away"
    there = trials(away, Slurm(away, {}, 2, cluster="local", pause=0.2, stop=stop))
    assert there == trials(tmp_path / "here", "local")
    assert not (away / ".slurm").exists()


class Endless(FakeRay):
    """A cluster whose first tasks end, and others never do."""

    left = 4

    def wait(self, refs: list[Ref], timeout: float) -> tuple[list[Ref], list[Ref]]:
        self.left -= 1
        if self.left >= 0:
            return refs[:1], refs[1:]
        time.sleep(0.01)
        return [], refs


def test_trials_in_hand_end_where_the_search_is_stopped(tmp_path):
    ray, stop = Endless(), Event()
    ray.made = made
    one = replace(on(ray, tmp_path, stop), runs=RUNS[:1])
    ended = carry_out_at_once(one, 99, 3, stop)
    next(ended)
    ended.close()
    assert 0 < len(ray.canceled) <= 3
    assert not [*(tmp_path / ".locks").iterdir()]
