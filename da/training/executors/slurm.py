"""Carry out runs as jobs of Slurm. No other module imports submitit.

The folder of the records is on a disk that all nodes see. Each job locks its runs there and saves
their records, as a process of this machine does. Where a disk has no locks between nodes, two
sweeps may train a run twice: its record is whole in any case.
"""

import shutil
from collections.abc import Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from threading import Event
from typing import Any

from da.system.environment import cores
from da.system.extras import extra, require
from da.system.locks import lock
from da.system.one_line import one_line
from da.training.attempts import Ended, Group, Lost, Stopped, attempt_in_process

FOLDER = ".slurm"
"""Folder of scripts and logs, within the folder of the records."""

LARGEST_ARRAY = 1000
"""Most jobs of an array; Slurm's usual limit is 1001."""

MINUTES = 60
"""Time limit of a job, where the user gives none."""

PARAMETERS = {
    "partition": "slurm_partition",
    "account": "slurm_account",
    "qos": "slurm_qos",
    "constraint": "slurm_constraint",
    "cpus": "cpus_per_task",
    "gpus": "gpus_per_node",
    "memory": "mem_gb",
    "minutes": "timeout_min",
}
"""Names by which submitit knows resources."""


def check() -> None:
    """Check that jobs can be submitted from this machine.

    Raises:
        ValueError: submitit is not installed, or a command of Slurm is not there.
    """
    require("slurm", "--on slurm", "submitit")
    for command in ("sbatch", "srun"):
        if not shutil.which(command):
            raise ValueError(f"--on slurm needs {command}: sweep where jobs are submitted to Slurm")


@dataclass(frozen=True)
class Attempt:
    """The work of a job. Slurm requeues it near its time limit: runs that are done stay done."""

    wait: bool
    threads: int

    def __call__(self, groups: Sequence[Group]) -> list[Ended]:
        """Carry out groups, one after another."""
        return [attempt_in_process(group, self.wait, self.threads or cores()) for group in groups]

    def checkpoint(self, groups: Sequence[Group]) -> Any:
        """Return what submitit submits again."""
        with extra("slurm", "--on slurm"):
            from submitit.helpers import DelayedSubmission
        return DelayedSubmission(self, groups)


@dataclass(frozen=True)
class Slurm:
    """Arrays of jobs of Slurm, to which several threads may submit.

    They go on when this process is killed, and are canceled when it is interrupted.
    """

    folder: Path
    """Folder of the records."""
    resources: Mapping[str, Any]
    """What each job gets, by the names of `PARAMETERS`; `chunk` is its number of groups."""
    limit: int = 0
    """Largest number of jobs at once; 0 for as many as Slurm starts."""
    cluster: str = "slurm"
    """Kind of cluster, as submitit knows it: also local, for tests."""
    pause: float = 5.0
    """Seconds between two looks at the jobs."""
    stop: Event = field(default_factory=Event)
    """Set where jobs in hand are to be canceled."""

    @property
    def slots(self) -> int:
        """Number of jobs at once, as far as it is known."""
        return self.limit or 1

    def run(
        self, groups: Sequence[Group], *, wait: bool = False, alone: bool = False
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        """Carry out groups, and yield each as it ends; those that were lost get a job each.

        What is done by now is not submitted where runs of other sweeps, or lost ones, are at hand.
        """
        left: list[Group] = []
        for group in groups:
            if wait:
                _wait_for(group)
            if (wait or alone) and all(job.done() for job in group):
                yield group, [(job, job.find_outcome()) for job in group]
            else:
                left.append(group)
        size, begun = 1 if alone else self.resources.get("chunk", 1), iter(left)
        chunks = [[first, *islice(begun, size - 1)] for first in begun]
        yield from self._carry_out(chunks, Attempt(wait, self.resources.get("cpus", 0)))

    def _carry_out(
        self, chunks: Sequence[Sequence[Group]], do: Attempt
    ) -> Generator[tuple[Group, Ended | Lost], None, None]:
        jobs: dict[Any, Sequence[Group]] = {}
        try:
            for at in range(0, len(chunks), LARGEST_ARRAY):
                self._submit(do, chunks[at : at + LARGEST_ARRAY], jobs)
            while jobs:
                for job in [job for job in jobs if job.done()]:
                    chunk = jobs.pop(job)
                    yield from zip(chunk, _results(job, len(chunk)), strict=True)
                if jobs and self.stop.wait(self.pause):
                    raise Stopped
        finally:
            for job in jobs:
                job.cancel(check=False)
            with suppress(OSError):
                (self.folder / FOLDER).rmdir()

    def _submit(
        self, do: Attempt, chunks: Sequence[Sequence[Group]], jobs: dict[Any, Sequence[Group]]
    ) -> None:
        """Submit an array of jobs, and add each to `jobs`."""
        with extra("slurm", "--on slurm"):
            from submitit import AutoExecutor
            from submitit.core.utils import FailedSubmissionError, UncompletedJobError

        executor = AutoExecutor(self.folder / FOLDER, self.cluster)
        given = {PARAMETERS[name]: x for name, x in self.resources.items() if name in PARAMETERS}
        usual = {"name": "da", "timeout_min": MINUTES}
        executor.update_parameters(
            **usual | given, slurm_array_parallelism=self.limit or LARGEST_ARRAY
        )
        try:
            jobs |= zip(executor.map_array(do, chunks), chunks, strict=True)
        except (FailedSubmissionError, UncompletedJobError) as error:
            raise ValueError(f"Slurm takes no jobs: {one_line(str(error))}") from error


def _wait_for(group: Group) -> None:
    """Wait until nobody trains a run of a group."""
    for job in group:
        with lock(job.lock_file):
            pass


def _results(job: Any, count: int) -> Sequence[Ended | Lost]:
    """Return what became of a job's groups, and remove its files unless it was lost."""
    with extra("slurm", "--on slurm"):
        from submitit.core.utils import UncompletedJobError

    try:
        found: Sequence[Ended] = job.result()
    except UncompletedJobError:
        reason = f"its job {job.job_id} ended as {job.state}, see {job.paths.stderr}"
        return [Lost(reason)] * count
    for file in (job.paths.submission_file, *job.paths.folder.glob(f"{job.job_id}_*")):
        file.unlink(missing_ok=True)
    return found
