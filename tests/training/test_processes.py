"""`da train --gpus 2` starts two processes, which end together, whatever happens to one."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from da.system.signals import SignalExit
from da.training import processes

COMMAND = "--task moons:0-40 --backbone mlp --init random --regime full --steps 6 --eval-every 3"
TAKEN_AWAY = '''
"""A method that is taken away in one of two processes."""

import os

from da.methods import Batch, Losses, Method, Scalar


class TakenAway(Method):
    """End the second process at a step, once."""

    paper = "baseline"
    family = "test"

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        if os.environ.get("RANK") == "1" and progress >= WHEN and not os.path.exists("lost"):
            open("lost", "w").close()
            os._exit(9)
        return {"task": self.task_loss(self.head(self.features(batch)[0]), batch.source.y)}
'''

LATE = """
import atexit, os, time

if os.environ.get("RANK") == "0":
    atexit.register(time.sleep, 3)
"""
FROZEN = "2 processes with regime frozen, known: --regime full"


WAIT = "exec sleep 60"


def launch(monkeypatch, *scripts: str) -> int:
    """Launch shell scripts in place of trainings."""

    def start(count, words, told):
        errors = [None, *told]
        return [
            subprocess.Popen(["sh", "-c", script.format(parent=os.getpid())], stderr=file)
            for script, file in zip(scripts, errors, strict=True)
        ]

    monkeypatch.setattr(processes, "_start", start)
    return processes.launch(len(scripts), [])


@pytest.mark.parametrize(
    ("scripts", "said"),
    [
        (("kill -9 $$", WAIT), "process 0 of 2 is lost: ended by SIGKILL"),
        ((WAIT, "echo a warning >&2; kill -9 $$"), "process 1 of 2 is lost: ended by SIGKILL"),
        ((WAIT, "echo 'da: too wide' >&2; exit 1"), "process 1 of 2 is lost: too wide"),
    ],
)
def test_a_line_names_the_lost_process(scripts, said, monkeypatch, capsys):
    monkeypatch.setattr(processes, "MOMENT", 0)
    assert launch(monkeypatch, *scripts) == 1
    assert capsys.readouterr().err == f"da: {said}\n"


def test_the_first_process_that_leaves_is_not_lost_nor_is_one_that_notices(monkeypatch, capsys):
    assert launch(monkeypatch, "sleep 0.2; exit 143", "exit 1") == 143
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["TERM", "USR1"])
def test_a_signal_waits_for_the_first_process_alone(name, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(processes, "GRACE", 0)
    kept = tmp_path / "checkpoint"
    first = (
        f"trap 'sleep 0.2; touch {kept}; exit 143' TERM; kill -{name} {{parent}}; sleep 5 & wait"
    )
    with pytest.raises(SignalExit) as ended:
        launch(monkeypatch, first, "trap '' TERM; exec sleep 60")
    assert (ended.value.code, kept.exists()) == (128 + signal.Signals[f"SIG{name}"], True)
    assert capsys.readouterr().err == ""


def run(folder: Path, words: str, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "da", "train", *COMMAND.split(), *options, *words.split()]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)


def read_record(results: Path) -> dict:
    [file] = results.glob("*.json")
    return json.loads(file.read_text())


@pytest.mark.slow
def test_two_processes_leave_the_record_and_weights_of_one(tmp_path):
    options = "--optimizer sgd --lr 0.01 --save-weights --outputs last --wandb off dann"
    one = run(tmp_path, options, "--results", "one")
    two = run(tmp_path, options, "--results", "two", "--gpus", "2")
    assert (one.returncode, two.returncode) == (0, 0), one.stderr + two.stderr
    assert two.stdout.count("dann moons:0-40") == 1
    first, second = read_record(tmp_path / "one"), read_record(tmp_path / "two")
    assert first["id"] == second["id"]
    assert second["environment"]["processes"] == "2"
    for ours, theirs in zip(second["curve"], first["curve"], strict=True):
        assert ours == pytest.approx(theirs, rel=1e-3, abs=1e-4)
    files = [
        sorted(p.name for p in (tmp_path / name).rglob("*.safetensors")) for name in ("one", "two")
    ]
    assert files[0] == files[1] != []


@pytest.mark.slow
def test_a_lost_process_ends_the_others(plugins, tmp_path):
    (plugins / "methods").mkdir(exist_ok=True)
    (plugins / "methods" / "taken_away.py").write_text(TAKEN_AWAY.replace("WHEN", "0"))
    ended = run(tmp_path, "--gpus 2 --wandb off taken_away")
    assert ended.returncode == 1
    assert "process 1 of 2 is lost: status 9" in ended.stderr


@pytest.mark.slow
def test_a_lost_process_leaves_a_checkpoint_from_which_the_run_goes_on(plugins, tmp_path):
    (plugins / "methods").mkdir(exist_ok=True)
    (plugins / "methods" / "taken_away.py").write_text(TAKEN_AWAY.replace("WHEN", "0.6"))
    words = "--gpus 2 --wandb off --checkpoint-minutes 0.00001 taken_away"
    ended = run(tmp_path, words, "--results", "disturbed")
    assert ended.returncode == 1
    resumed = run(tmp_path, words, "--results", "disturbed")
    assert "goes on after step 4" in resumed.stderr
    whole = run(tmp_path, words, "--results", "whole")
    assert (resumed.returncode, whole.returncode) == (0, 0), resumed.stderr + whole.stderr
    disturbed, undisturbed = read_record(tmp_path / "disturbed"), read_record(tmp_path / "whole")
    assert disturbed["curve"] == undisturbed["curve"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--gpus 2 --regime frozen --init pretrained", FROZEN),
        ("--gpus 0", "unknown number of GPUs 0, known: 1"),
        ("--gpus 2 --batch 0", "batch"),
    ],
)
def test_a_mistake_is_one_line(words, message, tmp_path):
    ended = run(tmp_path, f"{words} --wandb off dann")
    assert ended.returncode == 2
    assert message in ended.stderr
    assert len(ended.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_a_mistake_is_one_line_where_the_first_process_ends_last(plugins, tmp_path):
    (plugins / "methods").mkdir(exist_ok=True)
    (plugins / "methods" / "late.py").write_text(LATE)
    ended = run(tmp_path, "--gpus 2 --regime frozen --init pretrained --wandb off dann")
    assert (ended.returncode, ended.stderr.splitlines()[-1]) == (2, f"da: {FROZEN}")
