"""Train many runs in parallel processes, each run once even if several sweeps share a folder."""

import math
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Collection, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from filelock import FileLock, Timeout
from tqdm import tqdm

from da.models.saved_weights import weights_file
from da.results import records
from da.results.records import Record
from da.runs import provenance
from da.runs.run import Run
from da.system.environment import cores
from da.training.multi_run import sharing_key, train_together, training_key

TOGETHER = 10
"""Most trainings that share steps; more gain little and are lost when a sweep is killed."""

GPU_SHARE = 16 * 2**30
"""Bytes of GPU memory for a process, as a ResNet-50 at 224 pixels with 64 + 64 images needs."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run: a record, an error, or neither while another process trains it."""

    run: Run
    record: Record | None = None
    error: str = ""


@dataclass(frozen=True)
class _Job:
    run: Run
    folder: Path
    device: str
    keep: bool
    """Whether to store the run's weights, as other runs begin with them or the user asks."""
    share_steps: bool = False
    again: bool = False
    """Whether to train the run although it has a record, which is damaged or not current."""

    def done(self) -> bool:
        id = self.run.id
        done = (
            provenance.is_current(id, self.run.settings(), self.folder)
            if self.again
            else records.exists(id, self.folder)
        )
        return done and (not self.keep or weights_file(self.run.id, self.folder).exists())


def sweep(
    runs: Sequence[Run],
    folder: Path,
    *,
    workers: int | Literal["auto"] = "auto",
    device: str = "auto",
    keep: bool = False,
    share_steps: bool = False,
    again: Collection[str] | None = None,
) -> Generator[Outcome, None, None]:
    """Train the runs that have no record in `folder`, and yield the outcome of each as it ends.

    Runs of a blind method on one source are one training, evaluated on each target. A run that
    begins with another run's weights comes after it, and those weights are stored. An error in a
    run ends only that run; an interruption ends all runs and their processes.

    Args:
        runs: Runs to train.
        folder: Folder of the records.
        workers: Number of processes, which share the cores; "auto" is `usual_workers`. Records of
            runs on frozen features do not depend on it.
        device: Name of the device: auto, cpu, cuda or the like.
        keep: Whether to store the weights of every run; a run that has its record but no stored
            weights is trained again.
        share_steps: Whether runs that can train together do, which changes their records by
            rounding.
        again: Ids of runs that are trained although they have a record, which is kept in `old/`;
            None for those whose record is damaged, or of other code or data.
    """
    if again is None:
        again = provenance.find_old(runs, folder)
    unfinished = [run for run in runs if run.id in again or not records.exists(run.id, folder)]
    stored = {id for id in again if weights_file(id, folder).exists()}
    kept = stored.union(*({run.init, run.teacher} for run in unfinished))
    jobs = [
        _Job(run, folder, device, keep or run.id in kept, share_steps, run.id in again)
        for run in runs
    ]
    waiting = {job.run.id: job for job in jobs if job.again or not job.done()}
    processes = usual_workers(device) if workers == "auto" else workers
    while waiting:
        wave = [
            job for job in waiting.values() if not {job.run.init, job.run.teacher} & waiting.keys()
        ]
        yield from _side_by_side(_groups(wave, processes), processes)
        for job in wave:
            del waiting[job.run.id]


def usual_workers(device: str = "auto") -> int:
    """Return the number of processes that suits this machine.

    Without a GPU it is one for each core. With a GPU it is one for every four cores, but no more
    than its free memory holds at `GPU_SHARE` bytes each.
    """
    if not (device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())):
        return cores()
    free, _ = torch.cuda.mem_get_info(None if device == "auto" else torch.device(device))
    return max(1, min(cores() // 4, free // GPU_SHARE))


def _groups(jobs: Sequence[_Job], workers: int) -> list[list[_Job]]:
    """Group jobs that are one training or share their steps, at most `TOGETHER` trainings each.

    Groups of one kind have about equal sizes, and their number keeps all workers busy to the end.
    """
    alike: dict[str, dict[str, list[_Job]]] = {}
    for job in jobs:
        one = training_key(job.run)
        some = alike.setdefault((job.share_steps and sharing_key(job.run)) or one, {})
        some.setdefault(one, []).append(job)
    parts = [part for some in alike.values() for part in _divided(list(some.values()), workers)]
    return [[job for one in part for job in one] for part in parts]


def _divided(trainings: list[list[_Job]], workers: int) -> list[list[list[_Job]]]:
    count = math.ceil(len(trainings) / TOGETHER)
    if count > 1:
        count = workers * math.ceil(count / workers)
    size = math.ceil(len(trainings) / count)
    return [trainings[at : at + size] for at in range(0, len(trainings), size)]


def _side_by_side(groups: Sequence[list[_Job]], workers: int) -> Iterator[Outcome]:
    """Run all jobs; wait at the end for those that another process has."""
    busy = []
    for job, outcome in _carry_out(groups, workers, wait=False):
        if outcome.record or outcome.error:
            yield outcome
        else:
            busy.append([job])
    yield from (outcome for _, outcome in _carry_out(busy, workers, wait=True))


def _carry_out(
    groups: Sequence[list[_Job]], workers: int, *, wait: bool
) -> Iterator[tuple[_Job, Outcome]]:
    if min(workers, len(groups)) <= 1:
        for group in groups:
            yield from _attempt(group, wait)
        return
    spawn = multiprocessing.get_context("spawn")
    start = os.getpid(), max(1, cores() // workers)
    with ProcessPoolExecutor(min(workers, len(groups)), spawn, _start_worker, start) as pool:
        # Ctrl-C also reaches workers. They start with this mask, so that only we end them.
        mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            tasks = [pool.submit(_attempt, group, wait) for group in groups]
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        try:
            for task in as_completed(tasks):
                yield from task.result()
        except (KeyboardInterrupt, GeneratorExit):
            for worker in multiprocessing.active_children():
                worker.terminate()
            raise
        finally:
            pool.shutdown(cancel_futures=True)


def _attempt(group: list[_Job], wait: bool) -> list[tuple[_Job, Outcome]]:
    """Train runs and save their records, except for those that are done or trained elsewhere.

    With `wait` the group has a single run, so that two sweeps never wait for each other.
    """
    found, mine = [], []
    with ExitStack() as held:
        for job in group:
            lock = job.folder / ".locks" / job.run.id
            lock.parent.mkdir(parents=True, exist_ok=True)
            try:
                held.enter_context(FileLock(lock, timeout=-1 if wait else 0))
            except Timeout:
                found.append((job, Outcome(job.run)))
                continue
            if job.done():
                found.append((job, Outcome(job.run, records.get(job.run.id, job.folder))))
            else:
                mine.append(job)
        return found + [(job, _saved(job, ended)) for job, ended in _trained(mine)]


def _trained(jobs: list[_Job]) -> Iterator[tuple[_Job, Record | Exception]]:
    by_run = {job.run: job for job in jobs}
    keep = [job.run for job in jobs if job.keep]
    if jobs:
        shared: Any = {"device": jobs[0].device, "share_steps": jobs[0].share_steps}
        for run, ended in train_together(list(by_run), keep=keep, results=jobs[0].folder, **shared):
            yield by_run[run], ended


def _saved(job: _Job, ended: Record | Exception) -> Outcome:
    if isinstance(ended, Exception):
        message = f"{type(ended).__name__}: {ended}".partition("\n")[0]
        return Outcome(job.run, error=message)
    if not job.keep:  # else it is stored, with its weights
        records.save(ended, job.folder)
    return Outcome(job.run, ended)


def _start_worker(parent: int, threads: int) -> None:
    """Set up a new process: use its share of the cores, and end when the parent is killed."""
    torch.set_num_threads(threads)
    # The default lock of tqdm is a semaphore, which stays behind when a worker is terminated.
    tqdm.set_lock(threading.RLock())

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
