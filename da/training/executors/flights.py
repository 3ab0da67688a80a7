"""Groups of runs that have been sent to a cluster, and what comes back."""

from collections.abc import Set
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from da.training.attempts import Ended, Group, Lost, claim
from da.training.checkpoints.files import discard
from da.training.executors.needs import Peak
from da.training.executors.ray_connection import explain


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
    node: str = ""
    """Node that has begun it."""
    avoids: Set[str] = frozenset()
    """Nodes to which it was not sent."""


@dataclass(frozen=True)
class NoRoom:
    """The end of a group on a node that cannot write its files, as others perhaps can."""

    node: str
    host: str
    reason: str


def peaks_of(flight: Flight, came: Any) -> list[Peak]:
    """Return the peaks of a group all of whose runs were trained; else nothing."""
    if flight.found or not isinstance(came, list) or any(answer.error for answer in came):
        return []
    return [answer.peak for answer in came if answer.peak]


def claim_flight(group: Group, wait: bool) -> Flight:
    """Lock the runs of a group, as `claim` does, before it is sent."""
    held = ExitStack()
    mine, found = claim(group, wait, held)
    return Flight(group, mine, found, held)


def end_flight(flight: Flight, came: Any) -> Ended | Lost:
    """Return the end of a group, by what came back: answers, an error, or no room.

    Checkpoints of this machine of a run whose record came back are removed.
    """
    if isinstance(came, Exception):
        return Lost(f"its task ended by {explain(came)}")
    if isinstance(came, NoRoom):
        return Lost(f"{came.host}: {came.reason}")
    by_id = {answer.id: answer for answer in came}
    ended = [(job, by_id[job.run.id].save(job)) for job in flight.mine]
    for job, outcome in ended:
        if outcome.record:
            discard(job.run.id, job.folder)
    return flight.found + ended
