"""A run of every method that is stopped, and goes on, is the run that nobody disturbed."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from da.config.fine_tuning import FineTuning
from da.config.label_shift import LabelShift
from da.config.optimization import Optimization
from da.data import tasks
from da.methods import METHODS, Network
from da.results.records import Record
from da.runs.run import Run
from da.training import train as training
from da.training.checkpoints.resumption import Checkpoints
from da.training.train import train
from tests.conftest import UNSURE, begin_with, skip_without
from tests.fixtures.points import NARROW as FULL
from tests.fixtures.points import task_of
from tests.fixtures.runs import RUN as PIXELS
from tests.fixtures.runs import run_of as pixels_of
from tests.fixtures.runs import stand_in

STOP = 6
"""Step after which a run is stopped, between two evaluations."""

CHANGES = "seconds", "images_per_second", "peak_memory", "environment"
"""Fields of a record that tell of time and machine."""


def carry_out(run: Run, **options) -> Record:
    """Train a run on the CPU."""
    return train(run, device="cpu", quiet=True, outputs="all", **options)


def stop_and_go_on(run: Run, monkeypatch: pytest.MonkeyPatch, step: int = STOP) -> Record:
    """Train a run that gets a signal after a step, then train it again."""
    usual = Checkpoints.after_step

    def stop(self: Checkpoints, done: int) -> None:
        if done == step:
            signal.raise_signal(signal.SIGTERM)
        usual(self, done)

    with monkeypatch.context() as patch:
        patch.setattr(Checkpoints, "after_step", stop)
        with pytest.raises(SystemExit) as ended:
            carry_out(run, checkpoint_minutes=60)
    assert ended.value.code == 143
    assert [path.name for path in Path("results/checkpoints", run.id).iterdir()] == [f"{step}"]
    steps = count_steps(monkeypatch)
    record = carry_out(run, checkpoint_minutes=60)
    assert steps[0] == step + 1
    assert not Path("results/checkpoints").exists()
    return record


def count_steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that gets the number of each step from now on."""
    usual, steps = Checkpoints.after_step, list[int]()

    def count(self: Checkpoints, done: int) -> None:
        steps.append(done)
        usual(self, done)

    monkeypatch.setattr(Checkpoints, "after_step", count)
    return steps


def check_same(record: Record, whole: Record) -> None:
    """Compare all fields of two records that do not tell of time and machine."""
    ours, theirs = (vars(one) for one in (record, whole))
    assert {name for name in ours if ours[name] != theirs[name]} <= {*CHANGES}
    assert record.weights


def run_of(name: str) -> Run:
    """A run of a method on points; the run that it begins with, if any, is in the folder."""
    kind = METHODS[name]
    skip_without(kind.needs)
    if kind.frozen_only or kind.source_free or kind.taught:
        train(FULL, device="cpu", save_weights=True, quiet=True)
    begun = begin_with(kind, FULL.id)
    begun |= {"init": FULL.id, "regime": "frozen"} if kind.frozen_only else {}
    own = UNSURE.get(name, {}) | ({"classifier": "trained"} if kind.frozen_only else {})
    return replace(FULL, task=task_of(kind), **{**begun, "method": replace(begun["method"], **own)})


@pytest.mark.slow
@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("name", METHODS)
def test_a_stopped_run_goes_on_to_the_bit(name, monkeypatch):
    run = run_of(name)
    if not run.method.trains:
        pytest.skip("it has one step")
    check_same(stop_and_go_on(run, monkeypatch), carry_out(run))


def test_a_run_on_points_goes_on(monkeypatch):
    """One of those, as a fast test."""
    run = run_of("dann")
    check_same(stop_and_go_on(run, monkeypatch), carry_out(run))


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [
        {"tuning": FineTuning(chosen_by="entropy", patience=5)},
        {"tuning": FineTuning(moves="lora", lora_rank=2)},
        {"shift": LabelShift(balance_every=4)},
        {"shift": LabelShift(label_shift="bbse")},
        {"optimizer": "sgd", "optimization": Optimization(nesterov=True), "schedule": "cosine"},
        {"network": Network(neck=8, dropout=0.2, bn="separate"), "precision": "bf16"},
    ],
    ids=["best", "lora", "balanced", "label shift", "sgd", "bf16"],
)
def test_whatever_settings_move_goes_on(change, monkeypatch):
    run = replace(FULL, method=METHODS["dann"].Hparams(), **change)
    check_same(stop_and_go_on(run, monkeypatch), carry_out(run))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("dann", {"augment": "strong", "memory_format": "contiguous"}),
        ("fixmatch", {"augment": "crop_flip"}),
        ("mean_teacher", {"augment": "crop_flip", "tuning": FineTuning(unfreeze_every=2)}),
        ("shot", {"augment": "jitter"}),
        ("rotta", {}),
    ],
)
def test_a_stopped_run_on_pixels_goes_on_to_the_bit(name, change, monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    run = pixels_of(name, steps=8, eval_every=4, **change)
    if METHODS[name].source_free:
        train(PIXELS, device="cpu", save_weights=True, quiet=True)
    check_same(stop_and_go_on(run, monkeypatch), carry_out(run))


@pytest.mark.slow
@pytest.mark.parametrize("step", [3, 5])
def test_a_stream_goes_on_before_and_after_it_resets(step, monkeypatch):
    monkeypatch.setattr(training, "reset_steps", lambda *_: {4})
    run = run_of("rotta")
    check_same(stop_and_go_on(run, monkeypatch, step), carry_out(run))


def test_a_run_that_is_over_early_does_not_train_on(monkeypatch):
    tuning = FineTuning(chosen_by="entropy", patience=1)
    run = replace(FULL, method=METHODS["dann"].Hparams(), tuning=tuning, steps=20, lr=0.0)
    whole = carry_out(run)
    assert len(whole.curve) < 5
    record = stop_and_go_on(run, monkeypatch, step=6)
    check_same(record, whole)
