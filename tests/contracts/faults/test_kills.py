"""Commands that are killed at any moment and given again lose nothing and leave nothing behind."""

import json
import random
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.contracts.faults.children import BEGINNING, Command, linux_only, workers
from tests.contracts.faults.outcomes import FAULT, RESULT, Outcome, Tally
from tests.fixtures.pictures import class_folders

pytestmark = linux_only

EXPERIMENT = (
    BEGINNING
    + """
ON_FEATURES = replace(
    FIRST, method=METHODS["dann"].Hparams(), regime="frozen", init=FIRST.id, steps=20
)


def runs():
    return [FIRST, *(replace(ON_FEATURES, seed=seed) for seed in range(10))]
"""
)
"""Runs on features, and the one that they begin with: records depend on no number of threads."""

STARTING = 3
"""Seconds within which new workers mostly start, while they import torch."""

TINY = "--backbone lenet --init random --regime full --side 28 --batch 8 --wandb off"
PICTURES = f"train --task folder:A-B {TINY}"
COMMANDS = {
    "sweep": "sweep lab.py --workers 2 --wandb off",
    "train": f"{PICTURES} --steps 100 --eval-every 20 --save-weights dann",
    "tune": "tune lab.py --only method=source_only --trials 12 --sampler random --search lr",
    "data": f"{PICTURES} --steps 1 source_only",
    "export": "export RUN --to onnx --out model.onnx",
}


def prepare(command: str, folder: Path, images: int) -> None:
    """Make the folder that a command works in."""
    folder.mkdir(parents=True)
    (folder / "lab.py").write_text(EXPERIMENT)
    if command in ("train", "data", "export"):
        class_folders(folder, each=images)
    if command == "export":
        finish(f"{PICTURES} --steps 1 --save-weights source_only".split(), folder)


def words_of(command: str, folder: Path) -> list[str]:
    """Return the words of a command, with the run that the folder has."""
    found = [file.stem for file in sorted((folder / "results").glob("*.json"))]
    return COMMANDS[command].replace("RUN", "".join(found[:1])).split()


def finish(words: list[str], folder: Path) -> float:
    """Run a command to its end, which has to be a good one, and return its seconds."""
    command = Command(folder, words)
    status = command.wait()
    assert status == 0, f"exit {status}: {command.log.read_text()[-1000:]}"
    return time.monotonic() - command.start


def state(folder: Path, home: Path) -> dict[str, Any]:
    """Return all that a command leaves that has to be the same after kills."""
    found: dict[str, Any] = {}
    for file in folder.glob("results/*.json"):
        found[file.name] = json.loads(file.read_text())["curve"]
    for file in whole_files("*.pt", folder, home):
        stored = torch.load(file, weights_only=True)
        weights = {k: v.tolist() for k, v in stored.items() if isinstance(v, torch.Tensor)}
        found[file.name] = weights
    for file in whole_files("x.npy", home):
        found[f"pixels {np.load(file).sum()}"] = True
    for file in folder.glob("results/*.journal"):
        found["trials"] = trials(file)
    return found | {file.name: True for file in folder.glob("*.onnx")}


def whole_files(pattern: str, *folders: Path) -> list[Path]:
    """Return the files below folders that are not in a temporary folder."""
    found = [file for folder in folders for file in folder.rglob(pattern)]
    return [file for file in found if not any(part[0] == "." for part in file.parts[1:])]


def trials(journal: Path) -> list[Any]:
    """Return what the trials of a search were told, as its journal has it."""
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    return sorted(
        (line["trial_id"], line["values"]) for line in lines if line.get("values") is not None
    )


def leftovers(*folders: Path) -> list[str]:
    """Return the temporary files, lock files and live files below folders."""
    every = [file for folder in folders for file in folder.rglob("*")]
    endings = ".part", ".lock", ".tmp"
    hidden = [f for f in every if ".fetch-" in f.name or f.parent.name in (".locks", "live")]
    return [file.name for file in every if file.suffix in endings or file in hidden]


class Trial:
    """One command, with and without kills."""

    def __init__(self, name: str, top: Path, patch: pytest.MonkeyPatch, images: int = 12):
        self.name, self.images, self.top, self.patch = name, images, top, patch
        self.random, self.rounds = random.Random(name), 0
        self.ended: list[Outcome] = []
        """Outcomes of commands that were to be killed, but ended first."""
        self.fresh()
        self.seconds = finish(words_of(name, self.folder), self.folder)
        self.whole = state(self.folder, self.home)
        self.fresh()

    def fresh(self) -> None:
        """Begin in an empty folder with an empty cache."""
        self.rounds += 1
        place = self.top / str(self.rounds)
        self.folder, self.home = place / "lab", place / "home"
        self.patch.setenv("DA_HOME", str(self.home))
        prepare(self.name, self.folder, self.images)

    def kill(self, how: str) -> Outcome:
        """Start the command, kill it at a random moment, and look at what is left."""
        earnest = how == "parent"  # its workers take long to start, and have to end all the same
        command = Command(self.folder, words_of(self.name, self.folder), copies=not earnest)
        while earnest and command.process.is_alive() and not workers(command.pid):
            time.sleep(0.01)
        moment = self.random.uniform(0, STARTING if earnest else self.seconds)
        begin = time.monotonic() if earnest else command.start
        killed = False
        while not killed and command.process.is_alive():  # a worker may not be there yet
            if time.monotonic() - begin > moment:
                killed = command.kill(how, self.random.choice)
            time.sleep(0.01)
        if not killed:  # it was faster than the undisturbed one, or had little left to do
            self.ended.append(self.compare(command.wait(), command))
            self.fresh()
            return self.kill(how)
        status = command.wait()
        what = f"{self.name}, {how} killed after {moment:.2f} s"
        wrong = self.torn() or [f"orphans {pid}" for pid in command.orphans()]
        if how == "worker" and not wrong:  # the others have done its work
            whole = self.compare(status, command)
            self.fresh()
            return whole
        return Outcome(what, FAULT if wrong else RESULT, ", ".join(wrong))

    def torn(self) -> list[str]:
        """Return the records that are not those of the undisturbed command."""
        found = state_of_records(self.folder)
        return [f"another {name}" for name, curve in found.items() if curve != self.whole[name]]

    def end(self) -> Outcome:
        """Give the command once more; it has to end well, with all that the undisturbed left."""
        command = Command(self.folder, words_of(self.name, self.folder))
        return self.compare(command.wait(), command)

    def compare(self, status: int | None, command: Command) -> Outcome:
        """Compare what a command that ended has left with what the undisturbed one left."""
        what = f"{self.name} again"
        if status != 0:
            return Outcome(what, FAULT, f"exit {status}: {command.log.read_text()[-1000:]}")
        now = state(self.folder, self.home)
        wrong = [name for name in {**now, **self.whole} if now.get(name) != self.whole.get(name)]
        left = leftovers(self.folder, self.home)
        said = f"{len(wrong)} differ {wrong[:3]}; {len(left)} left behind {left[-3:]}"
        return Outcome(what, FAULT if wrong or left else RESULT, said)


def state_of_records(folder: Path) -> dict[str, Any]:
    """Return the curves of all records; a record that is not whole has none."""
    found: dict[str, Any] = {}
    for file in folder.glob("results/*.json"):
        try:
            found[file.name] = json.loads(file.read_text())["curve"]
        except ValueError:
            found[file.name] = None
    return found


@pytest.fixture
def killed(tmp_path, monkeypatch, tally: Tally) -> Callable[..., None]:
    """A function that kills a command several times, gives it again, and counts the outcomes."""
    monkeypatch.setenv("WANDB_MODE", "disabled")

    def carry_out(name: str, ways: list[str], **options: Any) -> None:
        trial = Trial(name, tmp_path, monkeypatch, **options)
        outcomes = [trial.kill(how) for how in ways]
        tally.check([*outcomes, *trial.ended, trial.end()])

    return carry_out


def test_sweep_whose_processes_are_all_killed(killed):
    killed("sweep", ["group"] * 8)


def test_sweep_whose_parent_alone_is_killed(killed):
    killed("sweep", ["parent"] * 5)


def test_sweep_of_which_one_worker_is_killed(killed):
    killed("sweep", ["worker"] * 5)


def test_training_that_keeps_its_weights(killed):
    killed("train", ["group"] * 9)


def test_search(killed):
    killed("tune", ["group"] * 5)


@pytest.mark.parametrize("store", ["pixels", "encoded"])
def test_decoding_of_a_folder(killed, store, monkeypatch):
    monkeypatch.setenv("DA_STORE", store)
    killed("data", ["group"] * 5, images=100)


def test_export(killed):
    killed("export", ["group"] * 3)
