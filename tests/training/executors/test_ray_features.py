"""Shards that a cluster computes are those of one machine, whoever dies there."""

import errno
import os
import pickle
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from da.models.features import features_file
from da.system.cache import UnwritableError
from da.training.executors.payload import Beginning
from da.training.executors.ray_features import AHEAD, LOST, Computer, FeaturePool
from da.training.feature_files import find_needs
from da.training.planning.feature_needs import Need
from da.training.setup import assemble
from tests.fixtures.frozen import ON_FEATURES, store_weights
from tests.fixtures.points import RUN
from tests.fixtures.ray import EXCEPTIONS, RayActorError, RayError, stop

RESULTS = Path("results")
FILES = [
    Need(f"{name}.npy", "pretrained", "mlp", f"moons:{name}", "", 0, False, RUN) for name in "ab"
]
SHARDS = [(need, number) for need in FILES for number in range(6)]


class FakeActor:
    """An actor in this process, whose calls are carried out when they are waited for."""

    def __init__(self, ray: "FakeRay", number: int):
        self.ray, self.number, self.dead = ray, number, False
        self.opened: list[str] = []
        self.set_up, self.open, self.compute = (
            SimpleNamespace(remote=getattr(self, f"_{name}"))
            for name in ("set_up", "open", "compute")
        )

    def _set_up(self, threads, around) -> Callable[[], Any]:
        return lambda: self._alive()

    def _open(self, packed: bytes) -> Callable[[], Any]:
        self.opened.append(pickle.loads(packed).file)
        return lambda: None

    def _compute(self, file: str, number: int) -> Callable[[], Any]:
        now = self.opened[-1]
        self.ray.most = max(self.ray.most, self.ray.in_hand[self.number] + 1)
        self.ray.in_hand[self.number] += 1

        def work() -> np.ndarray:
            self._alive()
            self.ray.in_hand[self.number] -= 1
            if self.ray.errors[file, number]:
                error = self.ray.errors[file, number].pop()
                self.dead = isinstance(error, RayActorError)
                raise error
            assert now == file
            self.ray.computed.append((self.number, file, number))
            return np.full(1, number, np.float32)

        return work

    def _alive(self) -> None:
        if self.dead:
            raise RayActorError("gone")


class FakeRay:
    """The part of ray that we use: the oldest call ends first."""

    exceptions = EXCEPTIONS

    def __init__(self) -> None:
        self.actors: list[FakeActor] = []
        self.killed: list[FakeActor] = []
        self.computed: list[tuple[int, str, int]] = []
        self.errors = defaultdict[tuple[str, int], list[Exception]](list)
        self.in_hand = defaultdict[int, int](int)
        self.most = 0
        self.asked: dict[str, Any] = {}
        self.cpus = 2.0
        self.stillborn = 0
        """Actors that die as they start, the first ones."""

    def remote(self, kind: type) -> "FakeRay":
        return self

    def options(self, **asked: Any) -> SimpleNamespace:
        self.asked = asked
        return SimpleNamespace(remote=self.make)

    def make(self, device: str) -> FakeActor:
        self.actors.append(FakeActor(self, len(self.actors)))
        self.actors[-1].dead = len(self.actors) <= self.stillborn
        return self.actors[-1]

    def put(self, value: Any) -> Any:
        return value

    def wait(self, refs: list) -> tuple[list, list]:
        return refs[:1], refs[1:]

    def get(self, ref: Callable[[], Any]) -> Any:
        return ref()

    def kill(self, actor: FakeActor) -> None:
        self.killed.append(actor)

    def nodes(self) -> list[dict[str, Any]]:
        return [{"Alive": True, "NodeID": "a", "Resources": self.cluster_resources()}]

    def cluster_resources(self) -> dict[str, float]:
        return {"CPU": self.cpus, "memory": 8 * 2.0**30}


@pytest.fixture
def ray() -> FakeRay:
    return FakeRay()


def compute(ray: FakeRay, **resources: float) -> list[tuple[str, int, float]]:
    pool = FeaturePool(ray, resources, RESULTS, "cpu")
    return [(need.file, n, float(x[0])) for (need, n), x in pool.compute(SHARDS)]


EVERY = [(need.file, number, float(number)) for need, number in SHARDS]


def test_actors_share_the_shards_and_open_each_domain_once(ray):
    assert sorted(compute(ray)) == EVERY
    assert [actor.opened for actor in ray.actors] == [["a.npy", "b.npy"]] * 2
    assert {number for number, *_ in ray.computed} == {0, 1}
    assert ray.most == AHEAD
    assert ray.killed == ray.actors


def test_there_are_as_many_actors_as_there_is_room_for(ray, capsys):
    assert sorted(compute(ray, cpus=2.0, gpus=0.0, memory=4.0)) == EVERY
    assert len(ray.actors) == 1
    assert ray.asked == {"num_cpus": 2.0, "num_gpus": 0.0, "memory": 4 * 2**30}
    assert capsys.readouterr().err == ""
    compute(ray, gpus=0.5)
    assert "no node of the Ray cluster has room" in capsys.readouterr().err


def test_what_a_lost_actor_had_in_hand_is_computed_by_another(ray):
    ray.errors["a.npy", 2] = [RayActorError("gone")]
    ray.errors["b.npy", 3] = [RayActorError("gone")] * LOST
    assert sorted(compute(ray)) == EVERY
    assert len(ray.actors) == 2 + 1 + LOST


def test_a_shard_whose_actors_all_die_is_given_up(ray):
    ray.errors["a.npy", 1] = [RayActorError("killed")] * (LOST + 1)
    with pytest.raises(RuntimeError, match=r"^features of moons:a: RayActorError: killed$"):
        compute(ray)
    assert len(ray.killed) == len(ray.actors)


def test_a_node_that_dies_with_many_actors_that_start_does_not_end_the_work(ray):
    ray.cpus = ray.stillborn = 2 * LOST
    assert sorted(compute(ray)) == EVERY


def test_actors_of_which_none_starts_end_the_work(ray):
    ray.stillborn = 1000
    with pytest.raises(RuntimeError, match=r"^features of a domain: RayActorError: gone$"):
        compute(ray)


def test_a_full_disk_of_a_node_is_one_line():
    class Large(Beginning):
        def store(self, results: Path) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    computer = Computer("cpu")
    computer.open(pickle.dumps(FILES[0]), Large("pretrained", "", b""))
    with pytest.raises(
        UnwritableError, match=r"^cannot write .*; make room there or point DA_HOME"
    ):
        computer.compute("a.npy", 0)


def test_a_node_that_is_not_fit_ends_the_work(ray):
    error = RayError("a long trace")
    error.cause = ValueError("node has other images of moons:a, or other weights")
    ray.errors["a.npy", 0] = [error]
    with pytest.raises(ValueError, match=r"^node has other images of moons:a, or other weights$"):
        compute(ray)


MANY = '''"""Points whose reading takes a while."""

import os
import time

import torch

from da.data.domain import PARTS, Domain

DOMAINS = ("a", "b")


class Slow:
    """Rows that take DA_MANY_SECONDS to be read."""

    dtype, device, ndim = torch.float32, torch.device("cpu"), 2

    def __init__(self, x):
        self.x, self.shape, self.nbytes = x, x.shape, x.nbytes

    def __len__(self):
        return len(self.x)

    def is_floating_point(self):
        return True

    def index_select(self, dim, index):
        time.sleep(float(os.environ.get("DA_MANY_SECONDS", "0")))
        return self.x.index_select(dim, index)


def open_domain(name):
    g = torch.Generator().manual_seed(ord(name))
    x, y = torch.randn(20_000, 2, generator=g), torch.arange(20_000) % 2
    rows = dict(zip(PARTS, torch.arange(400).split(100), strict=True))
    return Domain(("upper", "lower"), Slow(x), y, rows, f"many {name}")
'''

EXPERIMENT = """
from dataclasses import replace
from tests.fixtures.frozen import ON_FEATURES

def runs():
    return [replace(ON_FEATURES, task="many:a-b")]
"""
ON_MANY = replace(ON_FEATURES, task="many:a-b")


def wait_for_shards(folder: Path, count: int, command: subprocess.Popen) -> None:
    """Wait until so many shards are stored."""
    end = time.monotonic() + 120
    while len([*folder.glob("shards/*.npy")]) < count:
        assert command.poll() is None, command.communicate()
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.faults
def test_a_killed_command_a_hung_node_and_a_killed_one_leave_the_file_of_one_machine(
    tmp_path, notices_soon, cluster, hung, plugins, monkeypatch
):
    (plugins / "datasets" / "many.py").write_text(MANY)
    store_weights()
    assemble(ON_MANY, "cpu")
    here = [features_file(need.file) for need in find_needs([ON_MANY], RESULTS)]
    monkeypatch.setenv("DA_HOME", str(away := tmp_path / "away"))
    monkeypatch.setenv("DA_MANY_SECONDS", "0.05")
    Path("experiment.py").write_text(EXPERIMENT)
    words = ["features", "experiment.py", "--on", f"ray:{cluster.address}"]
    env = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}

    def start() -> subprocess.Popen:
        command = [sys.executable, "-m", "da", *words]
        return subprocess.Popen(command, env=env, stdout=-1, stderr=-1, text=True)

    with start() as first:
        wait_for_shards(away, 3, first)
        first.kill()
    kept = {file.name: file.stat().st_mtime_ns for file in away.glob("shards/*.npy")}
    assert len(kept) >= 3
    with start() as second:
        wait_for_shards(away, len(kept) + 2, second)
        shards = away / "shards"
        assert all((shards / name).stat().st_mtime_ns == at for name, at in kept.items())
        one, other = cluster.worker_nodes
        hung += stop(one)
        cluster.remove_node(other, allow_graceful=False)
        said, errors = second.communicate(timeout=200)
    assert second.returncode == 0, errors
    assert "2 of 2 files of features are stored" in said
    for file in here:
        assert features_file(file.name).read_bytes() == file.read_bytes()
