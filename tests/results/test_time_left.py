"""The time that a sweep still needs, by the runs that have ended."""

from dataclasses import replace

import pytest

from da.methods import METHODS
from da.results import time_left
from da.results.live import LiveFile
from da.results.records import Record
from da.results.time_left import TimeLeft
from da.runs.run import Run

DANN = Run(METHODS["dann"].Hparams(), "moons:0-20", "mlp", "random", "full")
MCC = replace(DANN, method=METHODS["mcc"].Hparams())


def ended(run: Run, seconds: float) -> Record:
    return Record(run.id, run.settings(), [{"step": 1}], seconds)


def waiting(*runs: Run) -> dict:
    return {run.id: run.settings() for run in runs}


def seeds(run: Run, *numbers: int) -> list[Run]:
    return [replace(run, seed=seed) for seed in numbers]


def test_nothing_is_known_before_a_run_has_ended(tmp_path):
    assert TimeLeft(waiting(DANN), [], 2, tmp_path).seconds() is None


def test_runs_count_with_the_median_of_their_kind_over_all_workers(tmp_path):
    runs = [*seeds(DANN, 1, 2, 3), *seeds(MCC, 1, 2, 3)]
    known = [ended(run, s) for run, s in zip(seeds(DANN, 4, 5, 6), (1, 2, 30), strict=True)]
    left = TimeLeft(waiting(*runs), [*known, ended(MCC, 10.0)], 2, tmp_path)
    assert left.seconds() == (3 * 2 + 3 * 10) / 2


def test_a_run_of_an_unknown_kind_counts_as_the_mean_kind(tmp_path):
    left = TimeLeft(waiting(*seeds(MCC, 1, 2)), [ended(DANN, 8.0)], 1, tmp_path)
    assert left.seconds() == 16


def test_the_longest_run_is_the_least_time(tmp_path):
    assert TimeLeft(waiting(MCC), [ended(replace(MCC, seed=1), 60.0)], 8, tmp_path).seconds() == 60


def test_what_has_ended_is_left_out_and_teaches(tmp_path):
    left = TimeLeft(waiting(*seeds(DANN, 1, 2, 3)), [], 1, tmp_path)
    left.end(replace(DANN, seed=1).id, ended(DANN, 4.0))
    assert left.seconds() == 8
    left.end(replace(DANN, seed=2).id, None)
    assert left.seconds() == 4
    left.end(replace(DANN, seed=3).id, ended(DANN, 4.0))
    assert left.seconds() == 0


def test_time_that_a_run_in_hand_has_taken_is_subtracted(tmp_path, monkeypatch):
    first, second = seeds(DANN, 1, 2)
    file = LiveFile(tmp_path, first.id, {"settings": first.settings(), "steps": 9, "images": 8})
    left = TimeLeft(waiting(first, second), [ended(DANN, 50.0)], 1, tmp_path)
    begun = time_left.find_live(tmp_path)[0].begun
    monkeypatch.setattr(time_left.time, "time", lambda: begun + 30)
    assert left.seconds() == pytest.approx(70)
    file.remove()
