"""Carry out runs as tasks of a Ray cluster.

Nodes need no disk in common with this machine: weights to begin with and plug-ins are sent, and
records, weights and outputs come back. This machine holds the locks of the runs that it has sent.
"""

import resource
import sys
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager, suppress
from socket import gethostname
from threading import Event
from typing import Any

from tqdm import tqdm

from da.system.cache import UnwritableError
from da.system.one_line import one_line
from da.training.attempts import Ended, Group, Lost, Stopped
from da.training.executors.flights import Flight, NoRoom, claim_flight, end_flight, peaks_of
from da.training.executors.needs import Needs
from da.training.executors.payload import (
    Answer,
    Beginning,
    Surroundings,
    carry_out,
    find_beginnings,
    pack_group,
)
from da.training.executors.ray_connection import SentWeights, Share, connect, find_node

NODES = 4
"""Nodes that a group may lose before it counts as lost itself."""

NODE_LABEL = "ray.io/node-id"
"""Label that Ray gives each node."""

PAUSE = 1.0
"""Seconds between two looks whether to stop."""

AHEAD = 2
"""Groups that are sent for each one that there is room for, so that no node waits."""


@contextmanager
def open_ray(
    address: str, resources: Mapping[str, Any], limit: int, stop: Event | None
) -> "Iterator[RayCluster]":
    """Connect to a cluster for the time of a `with` block.

    Args:
        address: Address of its head; empty for RAY_ADDRESS, or the cluster of this machine.
        resources: What each task gets: cpus, gpus, and memory in GB.
        limit: Largest number of groups that are sent at once; 0 for as many as there is room for.
        stop: Event at which tasks in hand are canceled, if threads send them.

    Raises:
        ValueError: There is no such cluster.
    """
    with connect(address) as ray:
        yield RayCluster(ray, resources, limit, stop)


class RayCluster:
    """Tasks of a cluster, which several threads may send. They end when this process ends."""

    def __init__(
        self, ray: Any, resources: Mapping[str, Any], limit: int, stop: Event | None = None
    ):
        self._ray, self._limit, self._stop = ray, limit, stop or Event()
        self._needs = Needs(resources)
        self._train = ray.remote(_train)
        self._around = ray.put(Surroundings.here())
        self._weights = SentWeights(ray)
        self._full: set[str] = set()
        self._long_gone = _dead(ray)
        self._least.warn_without_room()

    @property
    def _least(self) -> Share:
        return Share(self._ray, self._needs.least)

    @property
    def slots(self) -> int:
        """Number of groups that there is room for."""
        return self._least.count(self._limit)

    def run(
        self, groups: Sequence[Group], *, wait: bool = False, alone: bool = False
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        """Carry out groups, and yield each as it ends.

        They go one after another where runs of other sweeps, or lost ones, are at hand.
        """
        left, flying = deque(groups), dict[Any, Flight]()
        try:
            while left or flying:
                while left and self._may_send(flying.values(), wait or alone):
                    group = self._needs.take(left, not flying)
                    if not group:
                        break
                    flight = claim_flight(group, wait)
                    if flight.mine:
                        flying[self._send(flight)] = flight
                    else:
                        flight.held.close()
                        yield flight.group, flight.found
                if flying:
                    yield from self._take_one(flying)
        finally:
            for sent, flight in flying.items():
                self._needs.end(flight.group)
                self._cancel(sent)
                flight.held.close()

    def _may_send(self, flying: Collection[Flight], single: bool) -> bool:
        """Return whether one more group is sent now; each run in hand is an open file."""
        if single:
            return not flying
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = self._limit or AHEAD * self.slots
        return len(flying) < most and sum(len(flight.mine) for flight in flying) < files // 2

    def _send(self, flight: Flight) -> Any:
        jobs = flight.mine
        sent = self._weights.send(find_beginnings(jobs), jobs[0].folder)
        self._needs.begin(flight.group)
        share = Share(self._ray, self._needs.of(flight.group))
        flight.node, flight.avoids = "", self._gone() | self._full_of_many()
        away = f"!in({','.join(sorted(flight.avoids))})"
        task = self._train.options(
            **share.options,
            max_retries=0,  # we try a lost one again ourselves
            num_returns="streaming",
            name=jobs[0].run.title,
            label_selector={NODE_LABEL: away} if flight.avoids else None,
        )
        return task.remote(pack_group(jobs), share.threads, self._around, *sent)

    def _gone(self) -> Set[str]:
        """Return the nodes that this cluster has lost."""
        return _dead(self._ray) - self._long_gone

    def _full_of_many(self) -> Set[str]:
        """Return the nodes without room; none where no other is left, which is tried again."""
        if self._full and self._full.issuperset(self._least.list_nodes()):
            self._full.clear()
        return self._full

    def _cancel(self, sent: Any) -> None:
        with suppress(Exception):  # of any kind, where the cluster is gone
            self._ray.cancel(sent, force=True)

    def _take_one(self, flying: dict[Any, Flight]) -> Iterator[tuple[Group, Ended | Lost]]:
        """Wait for what comes next; a group whose node is gone is sent again, to another one."""
        sent = self._wait(flying)
        flight = flying[sent]
        try:
            came = self._ray.get(next(sent))
            again = isinstance(came, NoRoom)
        except self._ray.exceptions.RayError as error:
            came, again = error, self._is_of_node(error)
        if isinstance(came, str):
            flight.node = came
            return
        del flying[sent]
        if isinstance(came, NoRoom):
            self._tell(came)
        if again and flight.nodes_lost < NODES:
            flight.nodes_lost += 1
            if not isinstance(came, NoRoom):
                _say_gone(flight)
            flying[self._send(flight)] = flight
            return
        with flight.held:
            ended = end_flight(flight, came)
        self._needs.end(flight.group, peaks_of(flight, came))
        yield flight.group, ended

    def _wait(self, flying: dict[Any, Flight]) -> Any:
        """Wait until a task has begun or ended, and return it."""
        while not (ready := self._ray.wait([*flying], timeout=PAUSE)[0]):
            if self._stop.is_set():
                raise Stopped
            self._leave_gone(flying)
        return ready[0]

    def _leave_gone(self, flying: dict[Any, Flight]) -> None:
        """Send groups again that a node has which is gone, or that perhaps wait for it.

        Ray says at once that a node was killed, but of one that hangs only that it is gone, and
        nothing of its tasks for minutes.
        """
        gone = self._gone()
        for sent, flight in [*flying.items()]:
            if flight.node in gone or not (flight.node or gone <= flight.avoids):
                del flying[sent]
                self._cancel(sent)
                if flight.node:
                    _say_gone(flight)
                flying[self._send(flight)] = flight

    def _tell(self, found: NoRoom) -> None:
        """Note a node without room, and say so once."""
        if found.node not in self._full:
            self._full.add(found.node)
            _say(f"{found.host} gets no more runs: {found.reason}")

    def _is_of_node(self, error: Exception) -> bool:
        kinds = self._ray.exceptions
        return isinstance(
            error, (kinds.NodeDiedError, kinds.LocalRayletDiedError, kinds.ObjectLostError)
        )


def _train(
    packed: bytes, threads: int, around: Surroundings, *beginnings: Beginning
) -> Iterator[str | list[Answer] | NoRoom]:
    """Carry out a group in a worker of the cluster: yield its node, then what comes of it."""
    yield (node := find_node())
    try:
        yield carry_out(packed, threads, around, beginnings)
    except UnwritableError as error:
        yield NoRoom(node, gethostname(), one_line(error))


def _say_gone(flight: Flight) -> None:
    _say(f"the node of {flight.mine[0].run.title} is gone: it is sent to another one")


def _dead(ray: Any) -> Set[str]:
    return {node["NodeID"] for node in ray.nodes() if not node["Alive"]}


def _say(line: str) -> None:
    tqdm.write(f"da: {line}", file=sys.stderr)
