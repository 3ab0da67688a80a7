"""What an experiment costs before it is paid: runs, time, room, and what is there already."""

import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import torch

from da.config.validation import is_run_id
from da.models.saved_weights import weights_file
from da.runs.run import Run
from da.system.environment import cores
from da.training.jobs import Job, list_jobs, list_waves
from da.training.outputs import Outputs
from da.training.planning.costs import find_costs
from da.training.planning.data import PlanData
from da.training.planning.feature_needs import Need, list_needs
from da.training.planning.measures import Measured
from da.training.planning.run_cost import Conditions, Cost
from da.training.sweep import usual_workers

Waves = Sequence[Sequence[Sequence[Job]]]
"""Groups of jobs that can be done side by side, wave after wave."""


@dataclass(frozen=True)
class MethodPlan:
    """The runs of one method."""

    method: str
    runs: int
    done: int
    """Number of runs that have a record, and weights if these are needed."""
    seconds: float
    """Time of the runs to come, one after the other, as far as it is known."""
    unknown: int
    """Number of runs to come of whose time nothing is known."""
    sources: tuple[str, ...]
    """Where the time is from."""


@dataclass(frozen=True)
class FeaturePlan:
    """Files of frozen features, one for each domain and network."""

    files: int = 0
    stored: int = 0
    """Number of files that are there."""
    images: int = 0
    """Images whose features are to come."""
    seconds: float = 0.0
    """Time to compute them."""


@dataclass(frozen=True)
class Plan:
    """What the runs of an experiment cost that are to come; times are in seconds."""

    methods: list[MethodPlan]
    features: FeaturePlan
    gigabytes: dict[str, float]
    """Room that is taken, by what takes it."""
    seconds: float
    """Time of all runs to come, one after the other."""
    workers: int
    """Number of processes."""
    wall_seconds: float
    """Time until all is done, with so many processes."""
    notes: list[str] = field(default_factory=list)
    """What is not known, and why."""

    def cost(self, price: float) -> float:
        """Return what all costs at a price of the machine an hour."""
        return self.wall_seconds / 3600 * price


def build_plan(
    runs: Sequence[Run],
    results: Path,
    *,
    workers: int | Literal["auto"] = "auto",
    device: str = "auto",
    outputs: Outputs = "auto",
    save_weights: bool = False,
    again: Collection[str] = (),
    prepare: bool = False,
) -> Plan:
    """Find out what a sweep of the runs would cost; kinds without earlier runs are measured.

    Args:
        runs: Runs of an experiment.
        results: Folder of the records.
        workers: Number of processes; "auto" is `usual_workers`.
        device: Name of the device: auto, cpu, cuda or the like.
        outputs: Evaluations whose outputs are stored; see `train`.
        save_weights: Whether to store the weights of every run.
        again: Ids of runs that are trained although they have a record.
        prepare: Whether to fetch and decode images that are not stored.
    """
    start_up = time.process_time()  # most of it is the import of libraries
    processes = usual_workers(device) if workers == "auto" else workers
    jobs = list_jobs(runs, results, save_weights, again, device=device, outputs=outputs)
    waves = [*list_waves(jobs, processes)]
    how = _find_conditions(jobs, waves, processes, Conditions(results, device, outputs))
    data = PlanData(prepare)
    if prepare:
        for job in jobs:
            data.open(job.run)
    needs = _find_needs(jobs, how, data)
    found = find_costs(jobs, how, data, needs, again)
    start_up *= (1 + (how.workers > 1)) if jobs else 0
    notes = [*data.notes, *_note_lacking_weights(jobs, how)]
    return _sum_up(runs, waves, needs, found, processes, start_up, notes)


def _find_conditions(
    jobs: Sequence[Job], waves: Waves, processes: int, how: Conditions
) -> Conditions:
    """Return the conditions with threads and processes as the sweep will have them."""
    begun = {id for job in jobs for id in (job.run.init, job.run.teacher)}
    firsts = {job.run.id: job.run for job in jobs if job.run.id in begun}
    if any(min(processes, len(groups)) > 1 for groups in waves):
        threads, workers = max(1, cores() // processes), processes
    else:
        threads, workers = torch.get_num_threads(), 1
    return replace(how, runs=firsts, threads=threads, workers=workers)


def _note_lacking_weights(jobs: Sequence[Job], how: Conditions) -> list[str]:
    """Say which runs others begin with though they are not to come and have no weights."""
    begun = Counter(id for job in jobs for id in {job.run.init, job.run.teacher} if is_run_id(id))
    return [
        f"run {id} has no weights in {how.results}, and {count} of the runs need them"
        for id, count in begun.items()
        if id not in how.runs and not weights_file(id, how.results).exists()
    ]


def _sum_up(
    runs: Sequence[Run],
    waves: Waves,
    needs: Sequence[Need],
    found: Measured,
    workers: int,
    start_up: float,
    notes: Sequence[str],
) -> Plan:
    """Sum up the costs of runs and features, wave after wave."""
    jobs = [job for groups in waves for group in groups for job in group]
    shares = {run: share for groups in waves for run, share in _share(groups, found.costs)}
    work = [
        [sum(shares.get(job.run, 0.0) for job in group) for group in groups] for groups in waves
    ]
    parts = (_seconds_by_network(needs, found), *work)
    return Plan(
        _plan_methods(runs, jobs, shares, found),
        _plan_features(needs, found),
        _sum_bytes(jobs, needs, found),
        sum(shares.values()),
        workers,
        start_up + sum(last_end(seconds, workers) for seconds in parts),
        [*notes, *found.notes],
    )


def last_end(seconds: Iterable[float], workers: int) -> float:
    """Return when the last of some tasks ends, where each worker takes the next one that is left.

    Args:
        seconds: Time of each task, in the order in which they begin.
        workers: Number of workers.
    """
    ends = [0.0] * workers
    for each in seconds:
        first = ends.index(min(ends))
        ends[first] += each
    return max(ends)


def _find_needs(jobs: Sequence[Job], how: Conditions, data: PlanData) -> list[Need]:
    """Return the features that the runs need, each file once."""
    found: dict[str, Need] = {}
    for job in jobs:
        if job.run.regime == "frozen" and (domains := data.open(job.run)) is not None:
            with data.explained(job.run):
                found |= {need.file: need for need in list_needs(job.run, domains, how)}
    return [*found.values()]


def _share(
    groups: Iterable[Sequence[Job]], costs: Mapping[Run, Cost]
) -> Iterator[tuple[Run, float]]:
    """Yield the seconds of each run; runs that are one training share its steps."""
    for group in groups:
        for job in group:
            if cost := costs.get(job.run):
                yield job.run, cost.rest + cost.steps / len(group)


def _seconds_by_network(needs: Iterable[Need], found: Measured) -> list[float]:
    """Return the time of features by network, whose files are made one after the other."""
    taken: dict[str, float] = defaultdict(float)
    for need in needs:
        if not need.stored and need.kind in found.features:
            taken[need.network] += need.images * found.features[need.kind].seconds
    return [*taken.values()]


def _plan_features(needs: Sequence[Need], found: Measured) -> FeaturePlan:
    left = [need for need in needs if not need.stored]
    return FeaturePlan(
        len(needs),
        len(needs) - len(left),
        sum(need.images for need in left),
        sum(_seconds_by_network(needs, found)),
    )


def _plan_methods(
    runs: Sequence[Run], jobs: Sequence[Job], shares: Mapping[Run, float], found: Measured
) -> list[MethodPlan]:
    left = {job.run for job in jobs}
    by_method: dict[str, list[Run]] = defaultdict(list)
    for run in runs:
        by_method[run.method.owner.name].append(run)
    return [
        MethodPlan(
            method,
            len(own),
            sum(run not in left for run in own),
            sum(shares.get(run, 0.0) for run in own),
            sum(run in left and run not in shares for run in own),
            tuple(dict.fromkeys(found.costs[run].source for run in own if run in shares)),
        )
        for method, own in by_method.items()
    ]


def _sum_bytes(jobs: Sequence[Job], needs: Sequence[Need], found: Measured) -> dict[str, float]:
    """Return the gigabytes of files to come, by what they hold."""
    costs = [found.costs[job.run] for job in jobs if job.run in found.costs]
    taken = {
        "records": sum(cost.record for cost in costs),
        "outputs": sum(cost.outputs for cost in costs),
        "weights": sum(cost.weights for cost in costs),
        "features": sum(
            need.images * found.features[need.kind].bytes
            for need in needs
            if not need.stored and need.kind in found.features
        ),
    }
    return {what: count / 1e9 for what, count in taken.items()}
