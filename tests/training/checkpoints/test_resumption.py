"""When checkpoints are written, when they are used, and what is told of them."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from da.methods import METHODS, Network
from da.results.live import find_live
from da.results.records import Record
from da.results.tracking import Tracking
from da.runs.run import Run
from da.training.checkpoints import files, resumption
from da.training.checkpoints.resumption import Checkpoints, open_checkpoints
from da.training.multi_run import train_together
from da.training.setup import assemble
from da.training.sweep import sweep_outcomes
from da.training.train import train
from tests.fixtures import points

RUN = replace(points.RUN, network=Network(neck=0, dropout=0.5), batch=8, eval_every=2)
BLIND = [replace(RUN, method=METHODS["source_only"].Hparams(), task=f"moons:0-{n}") for n in "89"]
FOLDER = Path("results/checkpoints")


@pytest.fixture
def stop_after(monkeypatch) -> Callable[[int], None]:
    """A function that lets SIGTERM come after a step; 0 for no more."""
    usual, step = Checkpoints.after_step, [0]

    def stop(self: Checkpoints, done: int) -> None:
        if done == step[0]:
            signal.raise_signal(signal.SIGTERM)
        usual(self, done)

    monkeypatch.setattr(Checkpoints, "after_step", stop)
    return lambda done: step.__setitem__(0, done)


def go(run: Run = RUN, **options) -> Record:
    return train(run, **{"device": "cpu", "quiet": True, "checkpoint_minutes": 60} | options)


@pytest.fixture
def stopped(stop_after) -> None:
    """A run that was stopped after its third step."""
    stop_after(3)
    with pytest.raises(SystemExit):
        go()
    stop_after(0)


@pytest.fixture
def first_steps(monkeypatch) -> list[int]:
    """The steps after which trainings begin, 0 for from the start."""
    usual, found = Checkpoints.resume, list[int]()

    def resume(self, moving):
        usual(self, moving)
        found.append(moving.done)

    monkeypatch.setattr(Checkpoints, "resume", resume)
    return found


def test_the_last_two_of_each_step_are_there_while_it_trains():
    seen = []
    go(checkpoint_minutes=1e-9, on_evaluation=lambda _: seen.append(sorted(FOLDER.glob("*/*"))))
    assert [[path.name for path in paths] for paths in seen] == [["1"], ["2", "3"], ["4", "5"]]
    assert not FOLDER.exists()


def test_none_is_written_before_its_time_or_where_none_is_wanted(monkeypatch):
    monkeypatch.setattr(files, "write", None)
    assert go().curve == go(checkpoint_minutes=0).curve
    assert open_checkpoints(RUN, assemble(RUN, "cpu"), Path("results"), 0) is None


@pytest.mark.usefixtures("stopped")
def test_it_may_begin_anew(first_steps):
    go(restart=True)
    assert first_steps == [0]
    assert not FOLDER.exists()


@pytest.mark.usefixtures("stopped")
def test_processes_with_folders_of_their_own_are_refused(monkeypatch):
    monkeypatch.setattr(resumption, "list_all", lambda own: [own, (0, 0.0)])
    with pytest.raises(ValueError, match="after steps 3, 0 by rank: all need one folder of result"):
        go()


@pytest.mark.usefixtures("stopped")
def test_one_of_other_outputs_or_code_is_not_used(first_steps, capsys, monkeypatch):
    usual = resumption.describe_beginning
    monkeypatch.setattr(
        resumption, "describe_beginning", lambda *of: {**usual(*of), "code": "another"}
    )
    go(outputs="all")
    assert first_steps == [0]
    assert "/3 is of another code and outputs: not used" in capsys.readouterr().err


@pytest.mark.usefixtures("stopped")
def test_it_says_where_it_goes_on_and_on_which_machine_it_began(capsys):
    before = go(checkpoint_minutes=0)
    state = next(FOLDER.glob("*/*"))
    rest = json.loads((state / files.REST).read_text())
    rest["about"]["environment"] |= {"device": "NVIDIA H100", "torch": "1.0"}
    rest["about"] |= {"seconds": 1000.0}
    (state / files.REST).write_text(json.dumps(rest))
    (state / files.DIGEST).write_text(files._digest(state))
    record = go(quiet=False)
    assert "goes on after step 3" in capsys.readouterr().err
    assert record.curve == before.curve
    assert record.environment["begun_on"] == "NVIDIA H100, 1.0"
    assert 1000 < record.seconds < 1100
    assert "begun_on" not in before.environment


def test_only_the_first_process_leaves_on_a_signal(stop_after, monkeypatch):
    monkeypatch.setattr(resumption, "is_first", lambda: False)
    stop_after(3)
    assert go(checkpoint_minutes=60).curve[-1]["step"] == RUN.steps
    assert not FOLDER.exists()


@pytest.mark.parametrize("how", ["holds", "says", "disk"])
def test_a_run_without_checkpoints_goes_on_with_a_line(how, capsys, monkeypatch, stop_after):
    kind = METHODS["dann"]
    if how == "says":
        monkeypatch.setattr(kind, "resumable", False)
    elif how == "holds":
        monkeypatch.setattr(kind, "after_step", lambda self: vars(self).update(it=iter([])))
    else:
        monkeypatch.setattr(files, "save_file", lambda *_: (_ for _ in ()).throw(OSError("full")))
    record = go(checkpoint_minutes=1e-9)
    said = capsys.readouterr().err
    assert len(record.curve) == 3
    assert not FOLDER.exists()
    assert said.count(f"da: no checkpoint of run {RUN.id}: ") == (0 if how == "says" else 6)
    assert how != "holds" or "method.it is a new list_iterator" in said


@pytest.mark.usefixtures("stopped")
def test_who_watches_sees_the_whole_run():
    seen = []

    def look(_) -> None:
        (run,) = find_live(Path("results"))
        seen.append([point["step"] for point in run.curve])

    go(on_evaluation=look, tracking=Tracking())
    assert seen == [[2, 4], [2, 4, 6]]


@pytest.mark.slow
def test_a_training_on_several_targets_goes_on_for_all(stop_after, first_steps):
    whole = dict(train_together(BLIND, device="cpu", outputs="all"))
    stop_after(3)
    options = {"device": "cpu", "outputs": "all", "checkpoint_minutes": 60}
    with pytest.raises(SystemExit):
        list(train_together(BLIND, **options))
    stop_after(0)
    for run, record in train_together(BLIND, **options):
        assert isinstance(record, Record)
        assert record.curve == whole[run].curve
        assert record.outputs == whole[run].outputs
    assert first_steps == [0, 3]


@pytest.mark.slow
def test_a_sweep_goes_on_and_removes_checkpoints(stop_after, first_steps):
    runs = [RUN, *BLIND]
    stop_after(3)
    with pytest.raises(SystemExit) as ended:
        list(sweep_outcomes(runs, Path("results"), workers=1))
    assert ended.value.code == 143
    assert len(list(FOLDER.iterdir())) == 1
    stop_after(0)
    outcomes = list(sweep_outcomes(runs, Path("results"), workers=1))
    assert all(outcome.record for outcome in outcomes)
    assert first_steps[0] == 0
    assert sorted(first_steps[1:]) == [0, 3]
    assert not FOLDER.exists()


def test_random_numbers_of_all_libraries_are_those_of_then():
    device = torch.device("cpu")
    state = resumption._random_state(device)
    draws = []
    for _ in range(2):
        resumption._set_random(state, device)
        drawn = resumption.random.random(), resumption.np.random.random(), torch.rand(()).item()
        draws.append(drawn)
    assert draws[0] == draws[1]
