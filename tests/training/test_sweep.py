"""Each run is done once and wholly, whoever is killed and whoever else works in the folder."""

import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.models import saved_weights
from da.results import records
from da.system.cache import UnwritableError
from da.system.locks import Lock
from da.training import attempts
from da.training.checkpoints.files import run_folder
from da.training.engine import DivergedError
from da.training.sweep import sweep_outcomes
from da.training.train import train
from tests.fixtures.points import BEGUN, RUN

RUNS = [replace(RUN, seed=seed) for seed in range(4)]
ON_FEATURES = [replace(run, regime="frozen", init=BEGUN.id) for run in RUNS]
"""Runs whose records depend neither on the number of threads nor on that of processes."""


@pytest.fixture
def begun() -> None:
    """The weights that runs on features begin with."""
    for folder in ("one", "two", "whole", "results"):
        train(BEGUN, device="cpu", save_weights=True, quiet=True, results=Path(folder))


def curves(folder: Path) -> dict[str, list]:
    """What every record in `folder` says, but for times."""
    files = sorted(folder.glob("*.json"))
    return {f.name: json.loads(f.read_text())["curve"] for f in files if f.stem != BEGUN.id}


def test_outcomes_are_the_records_on_disk(tmp_path):
    outcomes = list(sweep_outcomes(RUNS[:2], tmp_path, workers=1))
    assert [o.run for o in outcomes] == RUNS[:2]
    assert all(o.record == records.read(records.record_path(tmp_path, o.run.id)) for o in outcomes)


def test_what_is_done_is_not_done_again(tmp_path):
    list(sweep_outcomes(RUNS[:2], tmp_path, workers=1))
    assert [o.run for o in sweep_outcomes(RUNS[:3], tmp_path, workers=1)] == [RUNS[2]]


@pytest.mark.slow
@pytest.mark.usefixtures("begun", "every_score")
def test_two_workers_give_the_records_of_one(tmp_path):
    list(sweep_outcomes(ON_FEATURES, tmp_path / "one", workers=1))
    assert len(list(sweep_outcomes(ON_FEATURES, tmp_path / "two", workers=2))) == 4
    assert curves(tmp_path / "one") == curves(tmp_path / "two")


def test_a_run_that_fails_leaves_no_record_and_the_others_go_on(tmp_path):
    bad = replace(RUN, task="moons:0-x")
    failed, done = sweep_outcomes([bad, RUN], tmp_path, workers=1)
    assert failed.record is None
    assert "unknown rotation 'x'" in failed.error
    assert done.record
    assert not records.record_path(tmp_path, bad.id).exists()


@pytest.mark.parametrize(
    ("eval_every", "said"),
    [(3, "no loss is finite at step 2 ('task'"), (1, "predictions are not finite after step 1: ")],
)
def test_a_run_that_diverges_names_what_is_not_finite_and_the_step(tmp_path, eval_every, said):
    wild = replace(RUN, lr=1e30, optimizer="sgd", eval_every=eval_every)
    (outcome,) = sweep_outcomes([wild], tmp_path, workers=1)
    assert outcome.error.startswith(f"DivergedError: {said}")


def test_a_run_that_another_process_has_is_left_to_it(tmp_path, monkeypatch):
    """Its record is waited for, and read."""
    lock = tmp_path / ".locks" / RUN.id
    lock.parent.mkdir()
    theirs = Lock(lock)
    theirs.acquire()
    trained = []

    def train_together(runs, **_):
        trained.extend(runs)
        if lock.exists():
            records.save(
                records.Record(RUN.id, RUN.settings(), [{"step": 7, "target_accuracy": 1.0}], 1.0),
                tmp_path,
            )
            theirs.release()
        return [(r, records.Record(r.id, r.settings(), [{"step": 1}], 1.0)) for r in runs]

    monkeypatch.setattr("da.training.attempts.train_together", train_together)
    outcomes = list(sweep_outcomes(RUNS[:2], tmp_path, workers=1))
    assert trained == [RUNS[1]]
    assert {o.run.seed: o.record.curve[0]["step"] for o in outcomes} == {0: 7, 1: 1}


def made_from(folder: Path, **changes: str) -> None:
    """Say of every record in `folder` that it was made from something else."""
    for file in folder.glob("*.json"):
        stored = json.loads(file.read_text())
        stored["made_from"] |= changes
        file.write_text(json.dumps(stored))


def test_a_run_of_other_code_is_done_again_once_and_the_old_record_kept(tmp_path):
    list(sweep_outcomes(RUNS[:2], tmp_path, workers=1))
    made_from(tmp_path, code="0" * 16)
    assert len(list(sweep_outcomes(RUNS[:2], tmp_path, workers=1, again=()))) == 0
    assert [o.run for o in sweep_outcomes(RUNS[:2], tmp_path, workers=1)] == RUNS[:2]
    old = sorted(file.name for file in (tmp_path / "old").iterdir())
    assert old == sorted(f"{run.id}.1.json" for run in RUNS[:2])
    assert len(list(sweep_outcomes(RUNS[:2], tmp_path, workers=1))) == 0


def test_a_run_that_another_sweep_did_again_is_not_done_twice(tmp_path, monkeypatch):
    list(sweep_outcomes(RUNS[:1], tmp_path, workers=1))
    trained = []
    monkeypatch.setattr(
        "da.training.attempts.train_together", lambda runs, **_: trained.extend(runs)
    )
    (outcome,) = sweep_outcomes(RUNS[:1], tmp_path, workers=1, again={RUN.id})
    assert outcome.record == records.find(RUN.id, tmp_path)
    assert not trained


def test_a_damaged_record_is_done_again_and_kept(tmp_path):
    file = records.record_path(tmp_path, RUN.id)
    file.parent.mkdir(exist_ok=True)
    file.write_text('{"curve": []}')
    (outcome,) = sweep_outcomes([RUN], tmp_path, workers=1)
    assert records.find(RUN.id, tmp_path) == outcome.record
    assert (tmp_path / "old" / f"{RUN.id}.1.json").read_text() == '{"curve": []}'


def test_weights_are_those_of_the_record_that_is_made_again(tmp_path):
    list(sweep_outcomes([RUN], tmp_path, workers=1, save_weights=True))
    made_from(tmp_path, code="0" * 16)
    file = saved_weights.weights_file(RUN.id, tmp_path)
    before = file.stat().st_mtime_ns
    list(sweep_outcomes([RUN], tmp_path, workers=1))
    assert file.stat().st_mtime_ns > before


def test_a_run_comes_after_the_one_whose_weights_it_begins_with(tmp_path):
    later = replace(RUN, init=RUNS[1].id)
    outcomes = list(sweep_outcomes([later, RUNS[0], RUNS[1]], tmp_path, workers=1))
    assert [o.run for o in outcomes] == [RUNS[0], RUNS[1], later]
    assert all(o.record for o in outcomes)
    assert saved_weights.weights_file(RUNS[1].id, tmp_path).exists()
    assert not saved_weights.weights_file(RUNS[0].id, tmp_path).exists()


def test_weights_are_kept_of_every_run_when_asked(tmp_path):
    list(sweep_outcomes([RUN], tmp_path, workers=1))
    assert not saved_weights.weights_file(RUN.id, tmp_path).exists()
    list(sweep_outcomes([RUN], tmp_path, workers=1, save_weights=True))
    assert saved_weights.weights_file(RUN.id, tmp_path).exists()


def test_weights_without_room_fail_their_run_alone_and_leave_its_record(tmp_path, monkeypatch):
    usual = saved_weights.save_weights

    def save(run_id, *rest):
        if run_id == RUNS[0].id:
            raise UnwritableError("cannot write weights: no space left on device")
        usual(run_id, *rest)

    monkeypatch.setattr(saved_weights, "save_weights", save)
    failed, done = sweep_outcomes(RUNS[:2], tmp_path, workers=1, save_weights=True)
    assert failed.error.startswith("UnwritableError: cannot write weights: no space left on device")
    assert done.record
    assert records.find(RUNS[0].id, tmp_path).curve
    assert [o.run for o in sweep_outcomes(RUNS[:2], tmp_path, workers=1, save_weights=True)] == [
        RUNS[0]
    ]


def test_weights_that_are_gone_are_made_again(tmp_path):
    later = replace(RUN, init=RUNS[1].id)
    list(sweep_outcomes([RUNS[1]], tmp_path, workers=1))
    assert [o.run for o in sweep_outcomes([RUNS[1], later], tmp_path, workers=1)] == [
        RUNS[1],
        later,
    ]


def test_weights_that_are_damaged_are_made_again(tmp_path):
    list(sweep_outcomes([RUN], tmp_path, workers=1, save_weights=True))
    file = saved_weights.weights_file(RUN.id, tmp_path)
    file.write_bytes(file.read_bytes()[:-100])
    assert [o.error for o in sweep_outcomes([RUN], tmp_path, workers=1, save_weights=True)] == [""]
    assert saved_weights.load_classes(RUN.id, tmp_path)
    assert not list(sweep_outcomes([RUN], tmp_path, workers=1, save_weights=True))


SCRIPT = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.training.test_sweep import ON_FEATURES
from da.training.sweep import sweep_outcomes
if __name__ == "__main__":
    for outcome in sweep_outcomes(ON_FEATURES, Path({folder!r}), workers={workers}):
        print(outcome.run.id, flush=True)
"""


def start(tmp_path: Path, workers: int = 1) -> subprocess.Popen:
    script = tmp_path / "go.py"
    tests, folder = str(Path(__file__).parents[2]), str(tmp_path / "results")
    script.write_text(SCRIPT.format(tests=tests, folder=folder, workers=workers))
    return subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
@pytest.mark.usefixtures("begun", "every_score")
@pytest.mark.parametrize("workers", [1, 2])
def test_killed_and_started_again_gives_the_table_of_one_never_killed(tmp_path, workers):
    list(sweep_outcomes(ON_FEATURES, tmp_path / "whole", workers=1))
    with start(tmp_path, workers) as process:
        assert process.stdout
        process.stdout.readline()
        process.send_signal(signal.SIGKILL)
    kept = curves(tmp_path / "results")
    assert kept
    time.sleep(2)  # workers notice within a second that their parent is gone
    list(sweep_outcomes(ON_FEATURES, tmp_path / "results", workers=1))
    assert curves(tmp_path / "results") == curves(tmp_path / "whole")
    assert kept.items() <= curves(tmp_path / "whole").items()


@pytest.mark.slow
@pytest.mark.usefixtures("begun")
def test_two_sweeps_at_once_do_each_run_once(tmp_path):
    (tmp_path / "a").mkdir()
    one, two = start(tmp_path), start(tmp_path)
    outs = [process.communicate(timeout=120)[0].split() for process in (one, two)]
    assert [one.returncode, two.returncode] == [0, 0]
    assert len(curves(tmp_path / "results")) == len(ON_FEATURES)
    assert set(outs[0]) | set(outs[1]) == {run.id for run in ON_FEATURES}


def test_checkpoints_of_a_run_that_diverged_are_removed_and_those_of_other_errors_stay(
    tmp_path, monkeypatch
):
    errors = dict(
        zip(RUNS[:2], [DivergedError("not finite"), MemoryError("too large")], strict=True)
    )
    monkeypatch.setattr(attempts, "train_together", lambda runs, **_: [(runs[0], errors[runs[0]])])
    folders = [run_folder(run.id, tmp_path) for run in errors]
    for folder in folders:
        folder.mkdir(parents=True)
    outcomes = sweep_outcomes([*errors], tmp_path, workers=1)
    assert {outcome.error for outcome in outcomes} == {
        "DivergedError: not finite",
        "MemoryError: too large",
    }
    assert [folder.exists() for folder in folders] == [False, True]


DEADLY = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from tests.training.test_sweep import TWINS
from da.training import attempts
from da.training.sweep import sweep_outcomes
train_together = attempts.train_together

def deadly(runs, **how):
    seeds, mark = {{run.seed for run in runs}}, Path({folder!r}) / "died once"
    if 1 in seeds or (2 in seeds and not mark.exists()) or (3 in seeds and len(runs) > 1):
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return train_together(runs, **how)

attempts.train_together = deadly
if __name__ == "__main__":
    for outcome in sweep_outcomes(TWINS, Path({folder!r}), workers=2):
        print(outcome.run.task, outcome.run.seed, outcome.error, sep=";", flush=True)
"""
BLIND = replace(BEGUN, steps=1)
TWINS = [replace(BLIND, task=f"moons:0-{to}", seed=seed) for seed in range(5) for to in (20, 40)]
"""Runs of five trainings, each evaluated on two targets."""


@pytest.mark.slow
def test_killed_workers_take_no_other_run_with_them_and_theirs_are_tried_once_more(tmp_path):
    """One run is killed whenever it is tried, one only once, one only together with another."""
    script, folder = tmp_path / "go.py", tmp_path / "results"
    folder.mkdir()
    script.write_text(DEADLY.format(tests=str(Path(__file__).parents[2]), folder=str(folder)))
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.stderr == ""
    killed = {f"moons:0-{to};1;its process was killed (out of memory?)" for to in (20, 40)}
    whole = {f"{run.task};{run.seed};" for run in TWINS if run.seed != 1}
    assert sorted(done.stdout.splitlines()) == sorted(killed | whole)
    assert set(curves(folder)) == {f"{run.id}.json" for run in TWINS if run.seed != 1}
