"""What a sweep has to do: jobs that are not done, in waves, and in groups for one process each."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from da.models.saved_weights import load_classes, weights_file
from da.results import records
from da.results.records import Record
from da.results.tracking import Tracking
from da.runs import provenance
from da.runs.run import Run
from da.training.multi_run import sharing_key, training_key
from da.training.outputs import Outputs

TOGETHER = 10
"""Most trainings that share steps; more gain little and are lost when a sweep is killed."""


@dataclass(frozen=True)
class Outcome:
    """The result of a run: a record, an error, or neither while another process trains it."""

    run: Run
    record: Record | None = None
    error: str = ""


@dataclass(frozen=True)
class Job:
    """A run of a sweep, and how it is trained."""

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
        """Return whether the run has its record, and its weights if they are stored."""
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

    @property
    def lock_file(self) -> Path:
        """File of the lock that whoever trains the run holds."""
        return self.folder / ".locks" / self.run.id

    def find_outcome(self) -> Outcome:
        """Return the outcome of a job that is done."""
        return Outcome(self.run, records.get(self.run.id, self.folder))


def list_jobs(
    runs: Sequence[Run],
    folder: Path,
    save_weights: bool,
    again: Collection[str],
    tracking: Mapping[str, Tracking] = {},
    **how: Any,
) -> list[Job]:
    """List the jobs that are not done; those that other runs begin with store their weights.

    Args:
        runs: Runs to train.
        folder: Folder of the records.
        save_weights: Whether to store the weights of every run.
        again: Ids of runs that are trained although they have a record.
        tracking: How runs, by their ids, are shown at W&B.
        how: Further fields of every job.
    """
    unfinished = [run for run in runs if run.id in again or not records.exists(run.id, folder)]
    stored = {id for id in again if weights_file(id, folder).exists()}
    kept = stored.union(*({run.init, run.teacher} for run in unfinished))
    jobs = [
        Job(
            run,
            folder,
            save_weights=save_weights or run.id in kept,
            again=run.id in again,
            tracking=tracking.get(run.id, Tracking()),
            **how,
        )
        for run in runs
    ]
    return [job for job in jobs if job.again or not job.done()]


def list_waves(jobs: Sequence[Job], workers: int) -> Iterator[list[list[Job]]]:
    """Yield the groups that can be done side by side, after those whose weights they begin with."""
    waiting = {job.run.id: job for job in jobs}
    while waiting:
        wave = [
            job for job in waiting.values() if not {job.run.init, job.run.teacher} & waiting.keys()
        ]
        yield group_jobs(wave, workers)
        for job in wave:
            del waiting[job.run.id]


def group_jobs(jobs: Sequence[Job], workers: int) -> list[list[Job]]:
    """Group jobs that are one training or share their steps, at most `TOGETHER` trainings each.

    Groups of one kind have about equal sizes, and their number keeps all workers busy to the end.
    """
    alike: dict[str, dict[str, list[Job]]] = {}
    for job in jobs:
        one = training_key(job.run)
        some = alike.setdefault((job.share_steps and sharing_key(job.run)) or one, {})
        some.setdefault(one, []).append(job)
    parts = [part for some in alike.values() for part in divide(list(some.values()), workers)]
    return [[job for one in part for job in one] for part in parts]


def divide(trainings: list[list[Job]], workers: int) -> list[list[list[Job]]]:
    """Divide trainings that share their steps into parts that keep all workers busy."""
    count = math.ceil(len(trainings) / TOGETHER)
    if count > 1:
        count = workers * math.ceil(count / workers)
    size = math.ceil(len(trainings) / count)
    return [trainings[at : at + size] for at in range(0, len(trainings), size)]
