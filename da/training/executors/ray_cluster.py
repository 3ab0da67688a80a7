"""Carry out runs as tasks of a Ray cluster.

Nodes need no disk in common with this machine: weights to begin with and plug-ins are sent, and
records, weights and outputs come back. This machine holds the locks of the runs that it has sent.
"""

import resource
from collections import deque
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from da.training.attempts import Ended, Group, Lost, claim
from da.training.executors.payload import (
    Answer,
    Beginning,
    Surroundings,
    carry_out,
    find_beginnings,
    pack_group,
)
from da.training.executors.ray_connection import SentWeights, Share, connect, explain

NODES = 4
"""Nodes that a group may lose before it counts as lost itself."""

AHEAD = 2
"""Groups that are sent for each one that there is room for, so that no node waits."""


@contextmanager
def open_ray(address: str, resources: Mapping[str, Any], limit: int) -> "Iterator[RayCluster]":
    """Connect to a cluster for the time of a `with` block.

    Args:
        address: Address of its head; empty for RAY_ADDRESS, or the cluster of this machine.
        resources: What each task gets: cpus, gpus, and memory in GB.
        limit: Largest number of groups that are sent at once; 0 for as many as there is room for.

    Raises:
        ValueError: There is no such cluster.
    """
    with connect(address) as ray:
        yield RayCluster(ray, resources, limit)


@dataclass
class Flight:
    """A group that has been sent."""

    group: Group
    mine: Group
    """Jobs that are ours to train."""
    found: Ended
    """Outcomes of the others."""
    held: ExitStack
    """Locks of the runs."""
    nodes_lost: int = 0


class RayCluster:
    """Tasks of a cluster, which end when this process ends."""

    def __init__(self, ray: Any, resources: Mapping[str, Any], limit: int):
        self._ray, self._limit = ray, limit
        self._share = Share(ray, resources)
        self._train = ray.remote(_train)
        self._around = ray.put(Surroundings.here())
        self._weights = SentWeights(ray)
        self._share.warn_without_room()

    @property
    def slots(self) -> int:
        """Number of groups that there is room for."""
        return self._share.count(self._limit)

    def run(
        self, groups: Sequence[Group], *, wait: bool = False, alone: bool = False
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        """Carry out groups, and yield each as it ends; with `wait`, one after another."""
        left, flying = deque(groups), dict[Any, Flight]()
        try:
            while left or flying:
                while left and self._may_send(flying.values(), wait):
                    flight = _claim(left.popleft(), wait)
                    if flight.mine:
                        flying[self._send(flight)] = flight
                    else:
                        flight.held.close()
                        yield flight.group, flight.found
                if flying:
                    yield from self._take_one(flying)
        finally:
            for sent, flight in flying.items():
                with suppress(Exception):  # of any kind, where the cluster is gone
                    self._ray.cancel(sent, force=True)
                flight.held.close()

    def _may_send(self, flying: Collection[Flight], wait: bool) -> bool:
        """Return whether one more group is sent now; each run in hand is an open file."""
        if wait:
            return not flying
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = self._limit or AHEAD * self.slots
        return len(flying) < most and sum(len(flight.mine) for flight in flying) < files // 2

    def _send(self, flight: Flight) -> Any:
        jobs = flight.mine
        sent = self._weights.send(find_beginnings(jobs), jobs[0].folder)
        how = {"max_retries": 0, "name": jobs[0].run.title}
        task = self._train.options(**self._share.options, **how)
        return task.remote(pack_group(jobs), self._share.threads, self._around, *sent)

    def _take_one(self, flying: dict[Any, Flight]) -> Iterator[tuple[Group, Ended | Lost]]:
        """Wait for a group; one whose node is gone is sent again, to another one."""
        (sent,), _ = self._ray.wait([*flying])
        flight = flying[sent]
        try:
            answers = self._ray.get(sent)
        except self._ray.exceptions.RayError as error:
            del flying[sent]
            if self._is_of_node(error) and flight.nodes_lost < NODES:
                flight.nodes_lost += 1
                flying[self._send(flight)] = flight
                return
            flight.held.close()
            yield flight.group, Lost(f"its task ended by {explain(error)}")
            return
        del flying[sent]
        with flight.held:
            ended = flight.found + _save(flight.mine, answers)
        yield flight.group, ended

    def _is_of_node(self, error: Exception) -> bool:
        kinds = self._ray.exceptions
        return isinstance(
            error, (kinds.NodeDiedError, kinds.LocalRayletDiedError, kinds.ObjectLostError)
        )


def _train(
    packed: bytes, threads: int, around: Surroundings, *beginnings: Beginning
) -> list[Answer]:
    """Carry out a group in a worker of the cluster."""
    return carry_out(packed, threads, around, beginnings)


def _claim(group: Group, wait: bool) -> Flight:
    held = ExitStack()
    mine, found = claim(group, wait, held)
    return Flight(group, mine, found, held)


def _save(jobs: Group, answers: Sequence[Answer]) -> Ended:
    by_id = {answer.id: answer for answer in answers}
    return [(job, by_id[job.run.id].save(job)) for job in jobs]
