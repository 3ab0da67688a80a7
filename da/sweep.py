"""Many runs, in processes side by side: each is done once, whoever else works in the folder."""

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import torch
from filelock import FileLock, Timeout

from da import records
from da.backbones import weights_file
from da.environment import cores
from da.records import Record
from da.run import Run
from da.train import train


@dataclass(frozen=True)
class Outcome:
    """What became of a run: a record, an error, or neither while another process has it."""

    run: Run
    record: Record | None = None
    error: str = ""


@dataclass(frozen=True)
class _Job:
    run: Run
    folder: Path
    device: str
    keep: bool
    """Whether other runs begin with the weights of this one."""

    def done(self) -> bool:
        file = records.path(self.folder, self.run.id)
        return file.exists() and (not self.keep or weights_file(self.run.id).exists())


def sweep(
    runs: Sequence[Run], folder: Path, *, workers: int = 0, device: str = "auto"
) -> Iterator[Outcome]:
    """Carry out those of `runs` that have no record in `folder`, and give each as it ends.

    `workers` processes share the cores; 0 for one a core, or one where there is a GPU. A run that
    begins with another's weights comes after it. An error in a run ends that run alone.
    """
    unfinished = [run for run in runs if not records.path(folder, run.id).exists()]
    begun_with = {run.init for run in unfinished}
    jobs = [_Job(run, folder, device, run.id in begun_with) for run in runs]
    waiting = {job.run.id: job for job in jobs if not job.done()}
    while waiting:
        wave = [job for job in waiting.values() if job.run.init not in waiting]
        yield from _side_by_side(wave, workers or _usual_workers(device))
        for job in wave:
            del waiting[job.run.id]


def _usual_workers(device: str) -> int:
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    return 1 if on_gpu else cores()


def _side_by_side(jobs: Sequence[_Job], workers: int) -> Iterator[Outcome]:
    """All jobs; those that another process has are come back to at the end."""
    busy = []
    for job, outcome in _carry_out(jobs, workers, wait=False):
        if outcome.record or outcome.error:
            yield outcome
        else:
            busy.append(job)
    yield from (outcome for _, outcome in _carry_out(busy, workers, wait=True))


def _carry_out(jobs: Sequence[_Job], workers: int, *, wait: bool) -> Iterator[tuple[_Job, Outcome]]:
    if min(workers, len(jobs)) <= 1:
        yield from ((job, _attempt(job, wait)) for job in jobs)
        return
    spawn = multiprocessing.get_context("spawn")
    start = os.getpid(), max(1, cores() // workers)
    with ProcessPoolExecutor(min(workers, len(jobs)), spawn, _start_worker, start) as pool:
        tasks = {pool.submit(_attempt, job, wait): job for job in jobs}
        try:
            yield from ((tasks[task], task.result()) for task in as_completed(tasks))
        finally:
            pool.shutdown(cancel_futures=True)


def _attempt(job: _Job, wait: bool) -> Outcome:
    """Carry out a run and save its record, unless that is done or being done elsewhere."""
    locks = job.folder / ".locks"
    locks.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(locks / job.run.id, timeout=-1 if wait else 0):
            if job.done():
                return Outcome(job.run, records.read(records.path(job.folder, job.run.id)))
            record = train(job.run, device=job.device, keep=job.keep, quiet=True)
            records.save(record, job.folder)
            return Outcome(job.run, record)
    except Timeout:
        return Outcome(job.run)
    except Exception as error:
        return Outcome(job.run, error=f"{type(error).__name__}: {error}".partition("\n")[0])


def _start_worker(parent: int, threads: int) -> None:
    """In a new process: its share of the cores, and an end when the parent is killed."""
    torch.set_num_threads(threads)

    def follow() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=follow, daemon=True).start()
