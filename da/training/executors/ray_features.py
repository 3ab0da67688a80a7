"""Compute shards of frozen features by a pool of actors of a Ray cluster.

Nodes need no disk in common with this machine: weights and plug-ins are sent, images are found as
those of a run are, and shards come back. What a lost node had in hand is computed by another one.
"""

import pickle
from collections import Counter, deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from da.models.feature_shards import compute_shard
from da.models.features import Extractor
from da.training.executors.payload import Beginning, Surroundings, find_weights, stored
from da.training.executors.ray_connection import SentWeights, Share, connect, explain
from da.training.feature_files import Shard
from da.training.planning.feature_needs import Need, open_need

LOST = 4
"""Actors that may die with a shard in hand, or as they start, before this is given up."""

AHEAD = 2
"""Shards that an actor has in hand, so that it never waits; more of them fill its memory."""


@contextmanager
def open_pool(
    address: str, resources: Mapping[str, Any], results: Path, device: str
) -> "Iterator[FeaturePool]":
    """Connect to a cluster for the time of a `with` block.

    Args:
        address: Address of its head; empty for RAY_ADDRESS, or the cluster of this machine.
        resources: What each actor gets: cpus, gpus, and memory in GB.
        results: Folder of the records, with the weights of runs.
        device: Name of the device on each node: auto, cpu, cuda or the like.

    Raises:
        ValueError: There is no such cluster.
    """
    with connect(address) as ray:
        yield FeaturePool(ray, resources, results, device)


class Computer:
    """An actor, which has one network and one domain in hand.

    Args:
        device: Name of the device.
    """

    def __init__(self, device: str):
        self._device = device
        self._asked: tuple[bytes, tuple[Beginning, ...]] = b"", ()
        self._opened: tuple[str, Extractor] | None = None

    def set_up(self, threads: int, around: Surroundings) -> None:
        """Prepare the process; the first call."""
        around.set_up()
        torch.set_num_threads(threads)

    def open(self, packed: bytes, *beginnings: Beginning) -> None:
        """Take the need of the next shards, and the weights for it."""
        self._asked, self._opened = (packed, beginnings), None

    def compute(self, file: str, number: int) -> np.ndarray:
        """Return the features of a shard, of the need that was given last."""
        self._opened = self._opened or self._open()
        name, extractor = self._opened
        if name != file:
            raise RuntimeError(f"a shard of {file}, where {name} is in hand")
        return compute_shard(extractor, number)

    def _open(self) -> tuple[str, Extractor]:
        packed, beginnings = self._asked
        need: Need = pickle.loads(packed)
        with stored("features", beginnings) as folder:
            path, extractor = open_need(need, folder, self._device)
        return path.name, extractor


@dataclass(eq=False)
class Worker:
    """What is known here of an actor."""

    actor: Any
    ready: bool = False
    """Whether it runs, and does not wait for room."""
    file: str = ""
    """File of the shards that it was sent last."""
    in_hand: int = 0
    """Number of shards that it has not sent back."""
    after: int = 0
    """Failed starts in a row before its own."""


class FeaturePool:
    """Actors of a cluster, as many as there is room for, which end when this process ends."""

    def __init__(self, ray: Any, resources: Mapping[str, Any], results: Path, device: str):
        self._ray, self._results, self._device = ray, results, device
        self._share = Share(ray, resources)
        self._weights = SentWeights(ray)
        self._make = ray.remote(Computer).options(**self._share.options)
        self._around = ray.put(Surroundings.here())
        self._workers: list[Worker] = []
        self._left = deque[Shard]()
        self._flying: dict[Any, tuple[Worker, Shard | None]] = {}
        self._lost = Counter[Shard]()
        self._failed = 0
        self._share.warn_without_room()

    def compute(self, shards: Sequence[Shard]) -> Generator[tuple[Shard, np.ndarray], None, None]:
        """Compute shards, and yield each as it arrives.

        Raises:
            ValueError: A node has other images, weights or code.
            RuntimeError: A shard fails, or each actor dies that gets it.
        """
        self._left.extend(shards)
        try:
            while self._left or any(worker.in_hand for worker in self._workers):
                self._grow()
                self._send_all()
                yield from self._take_one()
        finally:
            for worker in self._workers:
                self._kill(worker)

    def _grow(self) -> None:
        """Start actors for which there is room, and work; those without room wait for some."""
        wanted = min(self._share.count(), len(self._left) + len(self._workers))
        for _ in range(wanted - len(self._workers)):
            worker = Worker(self._make.remote(self._device), after=self._failed)
            started = worker.actor.set_up.remote(self._share.threads, self._around)
            self._flying[started] = worker, None
            self._workers.append(worker)

    def _send_all(self) -> None:
        for most in range(1, AHEAD + 1):
            for worker in self._workers:
                if self._left and worker.ready and worker.in_hand < most:
                    self._send(worker, self._left.popleft())

    def _send(self, worker: Worker, shard: Shard) -> None:
        need, number = shard
        if worker.file != need.file:
            files = find_weights([need.network], self._results)
            sent = self._weights.send(files, self._results)
            worker.actor.open.remote(pickle.dumps(need), *sent)
            worker.file = need.file
        self._flying[worker.actor.compute.remote(need.file, number)] = worker, shard
        worker.in_hand += 1

    def _take_one(self) -> Iterator[tuple[Shard, np.ndarray]]:
        """Wait for a shard; what a lost actor has in hand is sent again, to another one."""
        (sent,), _ = self._ray.wait([*self._flying])
        worker, shard = self._flying[sent]
        try:
            found = self._ray.get(sent)
        except self._ray.exceptions.RayError as error:
            self._lose(worker, shard, error)
            return
        del self._flying[sent]
        worker.ready, self._failed = True, 0
        if shard:
            worker.in_hand -= 1
            yield shard, found

    def _lose(self, worker: Worker, shard: Shard | None, error: Exception) -> None:
        kinds = self._ray.exceptions
        said = explain(error)
        deaths = kinds.RayActorError, kinds.NodeDiedError, kinds.ObjectLostError
        gone = isinstance(error, (*deaths, kinds.OutOfMemoryError))
        if not gone or self._count_deaths(worker, shard) > LOST:
            raise RuntimeError(f"features of {shard[0].domain if shard else 'a domain'}: {said}")
        own = {sent: on for sent, (at, on) in self._flying.items() if at is worker}
        self._left.extendleft(on for on in reversed(own.values()) if on)
        for sent in own:
            del self._flying[sent]
        self._workers.remove(worker)
        self._kill(worker)

    def _count_deaths(self, worker: Worker, shard: Shard | None) -> int:
        """Return how often a shard was lost; without one, how many starts failed in a row.

        Those that were begun together, as on one node, count once.
        """
        if shard:
            self._lost[shard] += 1
            return self._lost[shard]
        self._failed += worker.after == self._failed
        return self._failed

    def _kill(self, worker: Worker) -> None:
        with suppress(Exception):  # of any kind, where the cluster is gone
            self._ray.kill(worker.actor)
