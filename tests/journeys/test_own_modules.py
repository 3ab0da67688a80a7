"""Own images and an own network in a sweep over processes, and what is left without the cache."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import da

SCRIPT = '''
import numpy as np
import torch
from torch import nn

import da


class Net(nn.Module):
    """A network that only this script knows."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3)

    def forward(self, x):
        return self.conv(x).relu()


def noise(seed):
    return np.random.default_rng(seed).integers(0, 255, (24, 9, 9, 3)).astype(np.uint8)


def runs():
    y = [0, 1] * 12
    task = da.Task(source=(noise(0), y), target=(noise(1), y), name="mine")
    torch.manual_seed(0)
    settings = {"side": 8, "steps": 3, "batch": 4}
    for regime in ("full", "frozen"):
        for net in (Net(), nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())):
            yield da.Run(da.methods.DANN(), task, net, regime=regime, **settings)


if __name__ == "__main__":
    records = da.sweep([*runs()], workers=2, save_weights=True)
    for record in records:
        assert len(da.load_model(record.id).predict(noise(2))) == 24
    print(len(records), records[0].settings["task"])
'''


def start(*command: str) -> subprocess.CompletedProcess:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def command(words: str) -> subprocess.CompletedProcess:
    return start(sys.executable, "-m", "da", *words.split())


def test_a_sweep_over_processes_and_its_records_without_the_cache():
    Path("script.py").write_text(SCRIPT)
    done = start(sys.executable, "script.py")
    assert done.returncode == 0, done.stderr
    count, task = done.stdout.split()
    assert (count, task[:12]) == ("4", "python:mine.")
    shutil.rmtree(os.environ["DA_HOME"])
    records = da.load_records()
    assert len(records.to_frame()) == 4
    assert da.table(records).count("dann backbone=python:__main__.Net-") == 2
    Path("again.py").write_text(
        "import da\ndef runs():\n    return [da.Run.of(r.settings) for r in da.load_records()]\n"
    )
    for words in ("table again.py", "plot again.py", "runs again.py", "sweep again.py"):
        done = command(words)
        assert (done.returncode, done.stderr) == (0, ""), words
    done = command(f"train --task {task} dann")
    line = f"da: the data of {task} is not here: build its task again, by the same da.Task\n"
    assert (done.returncode, done.stderr) == (2, line)
