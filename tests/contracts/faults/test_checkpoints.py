"""Runs that are killed or stopped inside go on from their last checkpoint, and lose nothing."""

import os
import random
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from da.data import tasks
from da.methods import METHODS
from da.results import records
from da.results.records import Record
from da.runs.run import Run
from da.training.train import train
from tests.contracts.faults.children import FORK, Command, enter, linux_only
from tests.contracts.faults.outcomes import FAULT, RESULT, Outcome, Tally
from tests.fixtures.points import NARROW
from tests.fixtures.runs import RUN as PIXELS
from tests.fixtures.runs import run_of, stand_in

pytestmark = linux_only

FEATURES = replace(NARROW, steps=60, eval_every=20, deterministic=True)
OFTEN = 1e-4
"""Minutes between checkpoints: 6 ms, so that each life of a process writes some."""


def killed_runs() -> dict[str, Run]:
    """Runs of six kinds of methods, on points and on pixels."""
    begun = {"init": FEATURES.id, "regime": "frozen"}
    pixels = {"steps": 12, "eval_every": 6, "deterministic": True}
    return {
        "adversarial": replace(FEATURES, method=METHODS["dann"].Hparams(), **begun),
        "memory": replace(FEATURES, method=METHODS["atdoc"].Hparams(), **begun),
        "source-free": replace(FEATURES, method=METHODS["shot"].Hparams(), init=FEATURES.id),
        "transport": replace(FEATURES, method=METHODS["deepjdot"].Hparams(), **begun),
        "teacher": run_of("mean_teacher", augment="crop_flip", **pixels),
        "stream": run_of("rotta", **pixels),
    }


def carry_out(folder: Path, environment: dict[str, str], run: Run, minutes: float) -> None:
    """Train a run in a process of its own, and save its record."""
    enter(folder, environment)
    tasks.open_domains = stand_in
    options = {"device": "cpu", "quiet": True, "outputs": "all"}
    record = train(run, checkpoint_minutes=minutes, **options)
    records.save(record, Path("results"))


class Life:
    """A process that trains a run."""

    def __init__(self, folder: Path, run: Run, minutes: float = OFTEN):
        arguments = folder, dict(os.environ), run, minutes
        self.process = FORK.Process(target=carry_out, args=arguments)
        self.process.start()

    def kill(self, seconds: float) -> bool:
        """Kill the process after so many seconds; return False where it had ended before."""
        self.process.join(seconds)
        if self.process.exitcode is not None:
            assert self.process.exitcode == 0
            return False
        self.process.kill()
        self.process.join()
        return True


def finish(folder: Path, run: Run, minutes: float = OFTEN) -> tuple[Record, float]:
    """Train a run to its end, and return its record and the seconds."""
    start = time.monotonic()
    assert not Life(folder, run, minutes).kill(300)
    record = records.get(run.id, folder / "results")
    assert record
    return record, time.monotonic() - start


@pytest.mark.parametrize("kind", killed_runs())
def test_runs_that_are_killed_at_random_moments(kind, tmp_path, monkeypatch, tally: Tally):
    run, choose = killed_runs()[kind], random.Random(kind)
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    for name in ("whole", "killed"):
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        train(PIXELS if "digits" in run.task else FEATURES, quiet=True, save_weights=True)
    whole, seconds = finish(tmp_path / "whole", run, minutes=0)
    kills = 0
    while kills < 7:  # 42 in all
        kills += Life(tmp_path / "killed", run).kill(choose.uniform(0, seconds))
    record, _ = finish(tmp_path / "killed", run)
    names = ("curve", "weights", "outputs", "made_from", "settings")
    wrong = [name for name in names if getattr(record, name) != getattr(whole, name)]
    left = [*(tmp_path / "killed").rglob("*.part"), *(tmp_path / "killed").rglob("checkpoints")]
    said = f"another {wrong}, left {left}"
    tally.check([Outcome(kind, FAULT if wrong or left else RESULT, said)] * (kills + 1))


WORDS = "--task moons:0-40 --backbone mlp --init random --regime full --wandb off --eval-every 50"
LAB = """
import da

def runs():
    method = da.methods.DANN()
    return [da.Run(method, "moons:0-40", "mlp", "random", "full", steps={}, seed=s) for s in (0, 1)]
"""


def wait_for(runs: int, command: Command, lab: Path) -> None:
    """Wait until so many runs in hand have an evaluation, while a command goes on."""
    files = lab / "results" / "live"
    while sum(file.read_bytes().count(b"\n") > 1 for file in files.glob("*")) < runs:
        assert command.process.is_alive(), command.log.read_text()
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("number", "processes"), [(signal.SIGTERM, 1), (signal.SIGUSR1, 1), (signal.SIGUSR1, 2)]
)
def test_a_signal_makes_a_checkpoint_and_ends_the_command(number, processes, lab, tally: Tally):
    words = f"train {WORDS} --gpus {processes} --steps 400 dann".split()
    command = Command(lab, words)
    wait_for(1, command, lab)
    os.kill(command.pid, number)
    status, orphans, first = command.wait(), command.orphans(), command.log.read_text()
    kept = [*lab.glob("results/checkpoints/*/*")]
    again = Command(lab, words)
    ended, said = again.wait(), again.log.read_text()
    well = status == 128 + number and len(kept) == 1 and ended == 0 and "goes on after" in said
    gone = not (lab / "results/checkpoints").exists() and not orphans and "lost" not in first
    said = f"{status}, {orphans}, {first}, {said}"
    tally.check([Outcome("signal", RESULT if well and gone else FAULT, said)])


def test_a_signal_to_a_sweep_reaches_its_workers(lab, tally: Tally):
    (lab / "lab.py").write_text(LAB.format(100_000))
    words = ["sweep", "lab.py", "--workers", "2", "--wandb", "off"]
    command = Command(lab, words)
    wait_for(2, command, lab)
    os.kill(command.pid, signal.SIGTERM)
    status, orphans = command.wait(), command.orphans()
    kept = [*lab.glob("results/checkpoints/*/*")]
    well = status == 143 and not orphans and len(kept) == 2
    said = f"{status}, {orphans}, {kept}, {command.log.read_text()}"
    tally.check([Outcome("sweep", RESULT if well else FAULT, said)])
