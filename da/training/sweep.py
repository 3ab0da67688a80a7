"""Train many runs in parallel, each run once even if several sweeps share a folder."""

import sys
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Literal

import torch

from da.results import health
from da.results.record_list import Records, load_records
from da.results.run_labels import label_runs
from da.results.tracking import Tracking
from da.runs import provenance
from da.runs.run import Run
from da.system.environment import cores
from da.system.locks import remove_stale_locks
from da.training.attempts import Executor, Group, Lost
from da.training.executors.choice import open_executor
from da.training.jobs import Job, Outcome, list_jobs, list_waves
from da.training.outputs import Outputs

GPU_SHARE = 16 * 2**30
"""Bytes of GPU memory for a process, as a ResNet-50 at 224 pixels with 64 + 64 images needs."""


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
    on: str | Executor = "local",
    resources: Sequence[str] = (),
) -> Generator[Outcome, None, None]:
    """Train the runs that have no record in `folder`, and yield the outcome of each as it ends.

    Runs of a blind method on one source are one training, evaluated on each target. A run that
    begins with another run's weights comes after it, and those weights are stored. An error in a
    run ends only that run; an interruption ends all runs and their processes. Where a process is
    killed, or a machine is lost, its runs are tried once more, each alone, after all others.

    Args:
        runs: Runs to train.
        folder: Folder of the records.
        workers: Number of processes, which share the cores; "auto" is `usual_workers`. Records of
            runs on frozen features do not depend on it. On a cluster, the largest number of groups
            at once; "auto" for as many as there is room for.
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
        on: Where runs are carried out: local, slurm, ray or ray:ADDRESS, or an executor that is
            open; it has its own workers and resources, and stays open.
        resources: What each training gets on a cluster, as in `gpus=1`.
    """
    remove_stale_locks(folder / ".locks")
    if again is None:
        again = provenance.find_old(runs, folder)
    how = {
        "device": device,
        "share_steps": share_steps,
        "outputs": outputs,
        "checkpoint_minutes": checkpoint_minutes,
    }
    left = list_jobs(runs, folder, save_weights, again, tracking, **how)
    if not left:
        return
    if workers == "auto":
        workers = usual_workers(device) if on == "local" else 0
    place = (
        open_executor(on, resources, folder, workers) if isinstance(on, str) else nullcontext(on)
    )
    with place as executor:
        for groups in list_waves(left, executor.slots):
            yield from _side_by_side(groups, executor)


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
            features and else the last; `tracking`, how runs, by their ids, are shown at W&B;
            `checkpoint_minutes` between checkpoints, 10 or 0 for none; `on`, local, slurm or ray,
            and `resources`, what each training gets there.

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


def _side_by_side(groups: Sequence[Group], executor: Executor) -> Iterator[Outcome]:
    """Carry out all groups; wait at the end for runs that another sweep has."""
    busy: list[Group] = []
    for job, outcome in _carry_out(groups, executor, wait=False):
        if outcome.record or outcome.error:
            yield outcome
        else:
            busy.append([job])
    yield from (outcome for _, outcome in _carry_out(busy, executor, wait=True))


def _carry_out(
    groups: Sequence[Group], executor: Executor, *, wait: bool
) -> Iterator[tuple[Job, Outcome]]:
    """Carry out groups; of those that are lost, each job once more, alone, at the end."""
    lost: list[Group] = []
    with closing(executor.run(groups, wait=wait)) as every:
        for group, ended in every:
            if isinstance(ended, Lost):
                lost += [[job] for job in group]
            else:
                yield from ended
    if not lost:
        return
    with closing(executor.run(lost, wait=wait, alone=True)) as every:
        for (job,), ended in every:
            if isinstance(ended, Lost):
                yield job, Outcome(job.run, error=ended.reason)
            else:
                yield from ended
