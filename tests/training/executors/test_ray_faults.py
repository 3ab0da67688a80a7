"""A sweep on a cluster at which everything dies leaves the records that one process leaves."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from da.results import records
from tests.contracts.faults.children import BEGINNING, Command, da, linux_only, workers
from tests.contracts.faults.outcomes import RESULT
from tests.fixtures.ray import add_node, kill, raylet, stop

pytestmark = [pytest.mark.slow, pytest.mark.faults, linux_only]

SLOW = '''"""A method that takes its time."""

import os
import time

from da.methods import Batch, Losses, Scalar
from da.methods.source_only import SourceOnly


class Slow(SourceOnly):
    """Train on the source, slowly."""

    paper = "none"
    family = "none"
    blind = False
    batchable = None

    def forward(self, batch: Batch, progress: Scalar) -> Losses:
        """Return the source cross-entropy after a while."""
        time.sleep(float(os.environ.get("DA_NAP", "0")))
        return super().forward(batch, progress)
'''

EXPERIMENT = (
    BEGINNING
    + """
ON_FEATURES = replace(
    FIRST, method=METHODS["slow"].Hparams(), regime="frozen", init=FIRST.id, steps=30, eval_every=30
)


def runs():
    return [FIRST, *(replace(ON_FEATURES, seed=seed) for seed in range(30))]
"""
)
"""Runs on features, and the one that they begin with: records depend on no number of threads."""

PATIENCE = 120.0
"""Seconds within which what is waited for comes."""


def wait_until(true: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, f"no {what} in {PATIENCE:.0f} s"
        time.sleep(0.1)


@pytest.fixture
def disk(tmp_path) -> Iterator[Path]:
    """A disk with hardly any room."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("no right to mount a disk")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def lab(monkeypatch, tmp_path, plugins) -> Path:
    """A folder with an experiment; homes are those of nodes."""
    (plugins / "methods" / "slow.py").write_text(SLOW)
    (tmp_path / "lab.py").write_text(EXPERIMENT)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("DA_HOME")
    monkeypatch.setenv("DA_NAP", "0.1")
    return tmp_path


def busy(node: Any) -> list[int]:
    """Workers of a node that carry out a run."""
    words = {pid: Path(f"/proc/{pid}/cmdline") for pid in workers(raylet(node))}
    return [pid for pid, file in words.items() if file.read_bytes().startswith(b"ray::slow")]


class Sweep:
    """A sweep on a cluster, whose folder of records shows how far it is."""

    def __init__(self, lab: Path, draw: random.Random):
        self.lab, self.draw, self.folder = lab, draw, lab / "away"
        self.begun = time.monotonic()

    def start(self, address: str) -> None:
        words = f"sweep lab.py --results away --on ray:{address} --wandb off"
        self.command = Command(self.lab, words.split())

    def go_on(self, runs: int, what: str) -> None:
        """Say what was done; wait for so many more records, and a moment of any length."""
        aim = len(records.ids(self.folder)) + runs
        print(f"{time.monotonic() - self.begun:.0f} s, {aim - runs} records: {what}", flush=True)
        wait_until(lambda: self.ended or len(records.ids(self.folder)) >= aim, "record")
        assert not self.ended, self.said
        time.sleep(self.draw.uniform(0, 1.5))

    @property
    def ended(self) -> bool:
        return not self.command.process.is_alive()

    @property
    def said(self) -> str:
        return self.command.log.read_text()


def end_all(cluster: Any) -> None:
    """Kill what is left of a cluster."""
    for node in [*cluster.worker_nodes, *([cluster.head_node] if cluster.head_node else [])]:
        cluster.remove_node(node, allow_graceful=False)


def test_a_sweep_at_whose_cluster_everything_dies_has_the_records_of_one_process(
    lab, disk, notices_soon, cluster, hung, monkeypatch
):
    seed = int(os.environ.get("DA_TEST_SEED", random.randrange(10**6)))
    print(f"DA_TEST_SEED={seed}")
    draw = random.Random(seed)
    sweep = Sweep(lab, draw)
    sweep.start(cluster.address)
    sweep.go_on(2, "begun")
    nodes = draw.sample(sorted(cluster.worker_nodes, key=raylet), 2)
    wait_until(lambda: any(map(busy, nodes)), "worker")
    os.kill(draw.choice([pid for node in nodes for pid in busy(node)]), signal.SIGKILL)
    sweep.go_on(2, "a worker was killed")
    cluster.remove_node(nodes.pop(), allow_graceful=False)
    add_node(cluster, env_vars={"HOME": str(disk)})
    wait_until(lambda: "gets no more runs: cannot write" in sweep.said, "word of the full disk")
    sweep.go_on(2, "a node was killed, and one with a full disk joined")
    hung += stop(nodes.pop())
    sweep.go_on(3, "a node hangs")
    os.kill(sweep.command.pid, signal.SIGKILL)
    sweep.command.wait()
    sweep.start(cluster.address)
    sweep.go_on(2, "the command was killed, and given again")
    kill(hung)
    cluster.remove_node(cluster.head_node, allow_graceful=False)
    assert sweep.command.wait(PATIENCE) == 1, sweep.said
    assert "Failed to connect to GCS" in sweep.said.splitlines()[-1]
    assert "Traceback" not in sweep.said
    end_all(cluster)
    for _ in range(2):
        add_node(cluster)
    sweep.start(cluster.address)
    sweep.go_on(1, "the head was killed, and the command given to a new cluster")
    assert sweep.command.wait() == 0, sweep.said
    monkeypatch.delenv("DA_NAP")
    search = "tune lab.py --only method=slow seed=0,1 --search lr --trials 3 --sampler random"
    there = f"--results away --on ray:{cluster.address} --workers 2"
    for words in (
        "sweep lab.py --results here --workers 1 --wandb off",
        f"{search} --results here",
    ):
        assert da(lab, *words.split()).kind == RESULT
    print(f"{time.monotonic() - sweep.begun:.0f} s: a search")
    assert da(lab, *f"{search} {there}".split()).kind == RESULT
    print(f"{time.monotonic() - sweep.begun:.0f} s: the end")
    here, away = lab / "here", lab / "away"
    assert not (away / "old").exists()
    assert records.ids(here) == records.ids(away)
    assert len(records.ids(here)) == 31 + 6
    for id in records.ids(here):
        one, two = (records.find(id, folder) for folder in (here, away))
        assert (one.curve, one.made_from) == (two.curve, two.made_from)
