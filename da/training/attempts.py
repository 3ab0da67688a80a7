"""Claim the runs of a sweep, train them and save their records, in whatever process has them."""

import threading
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from tqdm import tqdm

from da.results import records
from da.results.records import Record
from da.system.locks import lock
from da.system.one_line import one_line
from da.training.checkpoints.files import discard
from da.training.engine import DivergedError
from da.training.jobs import Job, Outcome
from da.training.multi_run import train_together

Group = list[Job]
"""Jobs that are one training or share their steps: they are carried out together."""

Ended = list[tuple[Job, Outcome]]
"""The outcome of each job of a group."""


@dataclass(frozen=True)
class Lost:
    """The end of a group without outcomes, as its process was killed or its node is gone."""

    reason: str


class Stopped(Exception):
    """The end of what a thread carries out, as another one asks for."""


@runtime_checkable
class Executor(Protocol):
    """Where groups are carried out: in processes of this machine, or on a cluster."""

    @property
    def slots(self) -> int:
        """Number of groups that are carried out at once."""

    def run(
        self, groups: Sequence[Group], *, wait: bool = False, alone: bool = False
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        """Carry out groups, and yield each as it ends; end those in hand when closed.

        Args:
            groups: Groups, begun in this order.
            wait: Whether to wait for runs that another sweep has. Each group has a single run then,
                so that two sweeps never wait for each other.
            alone: Whether the groups were lost before, perhaps for want of memory.
        """


def attempt_in_process(group: Group, wait: bool, threads: int) -> Ended:
    """Do what `attempt` does in a process of its own, with its share of the cores."""
    torch.set_num_threads(threads)
    # The default lock of tqdm is a semaphore, which stays behind when a worker is terminated.
    tqdm.set_lock(threading.RLock())
    return attempt(group, wait)


def attempt(group: Group, wait: bool = False) -> Ended:
    """Train runs and save their records, except for those that are done or trained elsewhere.

    With `wait` the group has a single run, so that two sweeps never wait for each other.
    """
    with ExitStack() as held:
        mine, found = claim(group, wait, held)
        return found + [(job, _saved(job, ended)) for job, ended in _trained(mine)]


def claim(group: Group, wait: bool, held: ExitStack) -> tuple[Group, Ended]:
    """Lock the runs of a group that nobody has trained or trains.

    Args:
        group: Jobs of the runs.
        wait: Whether to wait for runs that another process trains.
        held: Holder of the locks.

    Returns:
        Jobs that are ours now, and the outcomes of the others.
    """
    mine: Group = []
    found: Ended = []
    for job in group:
        try:
            held.enter_context(lock(job.lock_file, wait=wait))
        except BlockingIOError:
            found.append((job, Outcome(job.run)))
            continue
        if job.done():
            found.append((job, job.find_outcome()))
        else:
            mine.append(job)
    return mine, found


def _trained(jobs: Group) -> Iterator[tuple[Job, Record | Exception]]:
    by_run = {job.run: job for job in jobs}
    save_weights = [job.run for job in jobs if job.save_weights]
    if jobs:
        one = jobs[0]
        for run, ended in train_together(
            list(by_run),
            device=one.device,
            save_weights=save_weights,
            share_steps=one.share_steps,
            outputs=one.outputs,
            results=one.folder,
            tracking={job.run: job.tracking for job in jobs},
            checkpoint_minutes=one.checkpoint_minutes,
        ):
            yield by_run[run], ended


def _saved(job: Job, ended: Record | Exception) -> Outcome:
    if isinstance(ended, DivergedError):  # as it would from its checkpoint
        discard(job.run.id, job.folder)
    if isinstance(ended, Exception):
        return Outcome(job.run, error=describe_error(ended))
    if not job.save_weights:  # else it is stored, with its weights
        records.save(ended, job.folder)
    discard(job.run.id, job.folder)
    return Outcome(job.run, ended)


def describe_error(error: Exception) -> str:
    """Return the kind and the first line of an error that ended a run."""
    return one_line(f"{type(error).__name__}: {error}".partition("\n")[0])
