"""Train many runs in parallel processes, each run once even if several sweeps share a folder."""

import math
import sys
import threading
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import torch
from tqdm import tqdm

from da.models.saved_weights import load_classes, weights_file
from da.results import health, records
from da.results.record_list import Records, load_records
from da.results.records import Record
from da.results.run_labels import label_runs
from da.results.tracking import Tracking
from da.runs import provenance
from da.runs.run import Run
from da.system.environment import cores
from da.system.locks import lock, remove_stale_locks
from da.system.one_line import one_line
from da.training.checkpoints.files import discard
from da.training.multi_run import sharing_key, train_together, training_key
from da.training.outputs import Outputs
from da.training.worker_pool import Death, run_in_processes

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
    save_weights: bool
    """Whether to store the run's weights, as other runs begin with them or the user asks."""
    share_steps: bool = False
    outputs: Outputs = "none"
    """Evaluations whose outputs are stored."""
    again: bool = False
    """Whether to train the run although it has a record, which is damaged or not current."""
    tracking: Tracking = field(default_factory=Tracking)
    """How the run is shown while it trains."""
    checkpoint_minutes: float = 0
    """Minutes between checkpoints of the run."""

    def done(self) -> bool:
        id = self.run.id
        done = (
            provenance.is_current(id, self.run.settings(), self.folder)
            if self.again
            else records.exists(id, self.folder)
        )
        return done and (not self.save_weights or self._has_weights())

    def _has_weights(self) -> bool:
        try:
            load_classes(self.run.id, self.folder)  # which checks all that is stored
        except ValueError:
            return False
        return True


def sweep_outcomes(
    runs: Sequence[Run],
    folder: Path,
    *,
    workers: int | Literal["auto"] = "auto",
    device: str = "auto",
    save_weights: bool = False,
    share_steps: bool = False,
    outputs: Outputs = "auto",
    again: Collection[str] | None = None,
    tracking: Mapping[str, Tracking] = {},
    checkpoint_minutes: float = 10,
) -> Generator[Outcome, None, None]:
    """Train the runs that have no record in `folder`, and yield the outcome of each as it ends.

    Runs of a blind method on one source are one training, evaluated on each target. A run that
    begins with another run's weights comes after it, and those weights are stored. An error in a
    run ends only that run; an interruption ends all runs and their processes. Where a process is
    killed, its runs are tried once more, each alone, after all others.

    Args:
        runs: Runs to train.
        folder: Folder of the records.
        workers: Number of processes, which share the cores; "auto" is `usual_workers`. Records of
            runs on frozen features do not depend on it.
        device: Name of the device: auto, cpu, cuda or the like.
        save_weights: Whether to store the weights of every run; a run that has its record but no
            stored weights, or damaged ones, is trained again.
        share_steps: Whether runs that can train together do, which changes their records by
            rounding.
        outputs: Evaluations whose outputs are stored; see `train`. A run that has its record but
            no outputs is not trained again.
        again: Ids of runs that are trained although they have a record, which is kept in `old/`;
            None for those whose record is damaged, or of other code or data.
        tracking: How runs, by their ids, are shown at W&B; all have a live file.
        checkpoint_minutes: Minutes between checkpoints, from which runs go on; 0 for none.
    """
    remove_stale_locks(folder / ".locks")
    if again is None:
        again = provenance.find_old(runs, folder)
    unfinished = [run for run in runs if run.id in again or not records.exists(run.id, folder)]
    stored = {id for id in again if weights_file(id, folder).exists()}
    kept = stored.union(*({run.init, run.teacher} for run in unfinished))
    jobs = [
        _Job(
            run,
            folder,
            device,
            save_weights or run.id in kept,
            share_steps,
            outputs,
            run.id in again,
            tracking.get(run.id, Tracking()),
            checkpoint_minutes,
        )
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


def sweep(runs: Sequence[Run], results: str | Path = "results", **options: Any) -> Records:
    """Train the runs that have no record yet, and return the records of all, in their order.

    Warnings that a run ends with, as of an adaptation without effect, go to stderr. A script that
    calls this with several workers does so under `if __name__ == "__main__":`, since each worker
    imports the script.

    Args:
        runs: Runs to train.
        results: Folder of the records.
        options: `workers`, a number of processes or "auto"; `device`, such as "cuda" or "auto";
            `save_weights`, whether to store the weights of every run; `share_steps`, whether runs
            train together where they can, which changes their records by rounding; `outputs`,
            evaluations whose outputs are stored: "all", "last", "none", or "auto" for all on frozen
            features and else the last; `tracking`, how runs are shown; `checkpoint_minutes`.

    Raises:
        RuntimeError: Runs failed, after all others were trained.
    """
    folder = Path(results)
    labels, failed = label_runs({run.id: run.settings() for run in runs}), []
    for outcome in sweep_outcomes(runs, folder, **options):
        failed += [outcome] if outcome.error else []
        if made := outcome.record:
            for warning in health.lasting_warnings(made.curve, made.settings):
                print(f"{labels[made.id]}: warning: {warning}", file=sys.stderr)
    if failed:
        raise RuntimeError("\n".join(f"{labels[o.run.id]} failed: {o.error}" for o in failed))
    return load_records(folder, runs)


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
    """Run all jobs, those of a killed process once more: at the end, each alone in a process."""
    if min(workers, len(groups)) <= 1:
        for group in groups:
            yield from _attempt(group, wait)
        return
    attempt = partial(_attempt_in_worker, wait=wait, threads=max(1, cores() // workers))
    lost: list[list[_Job]] = []
    for group, ended in run_in_processes(attempt, groups, workers):
        if isinstance(ended, Death):
            lost += [[job] for job in group]
        else:
            yield from ended
    for (job,), ended in run_in_processes(attempt, lost, 1):
        dead = [(job, Outcome(job.run, error=f"{ended}"))]
        yield from dead if isinstance(ended, Death) else ended


def _attempt_in_worker(group: list[_Job], wait: bool, threads: int) -> list[tuple[_Job, Outcome]]:
    """Do what `_attempt` does in a process of its own, with its share of the cores."""
    torch.set_num_threads(threads)
    # The default lock of tqdm is a semaphore, which stays behind when a worker is terminated.
    tqdm.set_lock(threading.RLock())
    return _attempt(group, wait)


def _attempt(group: list[_Job], wait: bool) -> list[tuple[_Job, Outcome]]:
    """Train runs and save their records, except for those that are done or trained elsewhere.

    With `wait` the group has a single run, so that two sweeps never wait for each other.
    """
    found, mine = [], []
    with ExitStack() as held:
        for job in group:
            try:
                held.enter_context(lock(job.folder / ".locks" / job.run.id, wait=wait))
            except BlockingIOError:
                found.append((job, Outcome(job.run)))
                continue
            if job.done():
                found.append((job, Outcome(job.run, records.get(job.run.id, job.folder))))
            else:
                mine.append(job)
        return found + [(job, _saved(job, ended)) for job, ended in _trained(mine)]


def _trained(jobs: list[_Job]) -> Iterator[tuple[_Job, Record | Exception]]:
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


def _saved(job: _Job, ended: Record | Exception) -> Outcome:
    if isinstance(ended, Exception):
        message = f"{type(ended).__name__}: {ended}".partition("\n")[0]
        return Outcome(job.run, error=one_line(message))
    if not job.save_weights:  # else it is stored, with its weights
        records.save(ended, job.folder)
    discard(job.run.id, job.folder)
    return Outcome(job.run, ended)
