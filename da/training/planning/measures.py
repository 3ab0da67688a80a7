"""Measure what a plan does not know, in as many processes as the sweep will have."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from statistics import fmean
from tempfile import TemporaryDirectory

import torch
from tqdm import tqdm

from da.runs.run import Run
from da.system.one_line import one_line
from da.training.jobs import Job
from da.training.planning.feature_needs import Need
from da.training.planning.run_cost import (
    Conditions,
    Cost,
    FeatureCost,
    measure_features,
    measure_run,
)
from da.training.worker_pool import Death, run_in_processes


@dataclass(frozen=True)
class Ask:
    """What is measured: a run, or the features that it needs."""

    run: Run
    weights: bool = False
    """Whether the run's weights are stored."""
    features: bool = False
    """Whether the features are measured, and not the run."""


Found = Cost | dict[str, FeatureCost] | str
"""A cost, the cost of features by backbone, or why neither is known."""


@dataclass(frozen=True)
class Measured:
    """What is known of the costs of runs and features."""

    costs: dict[Run, Cost]
    """Cost of each run, without those of which nothing is known."""
    features: dict[str, FeatureCost] = field(default_factory=dict)
    """Cost of an image's features, by their kind."""
    notes: list[str] = field(default_factory=list)
    """What could not be measured, and why."""


def measure_all(
    known: Mapping[Run, Cost],
    unknown: Sequence[Sequence[Job]],
    needs: Sequence[Need],
    how: Conditions,
) -> Measured:
    """Measure a run of each group of alike ones, and each kind of features that is not stored.

    Args:
        known: Costs that are known.
        unknown: Groups of runs that cost about the same.
        needs: Features that the runs need.
        how: What costs depend on.
    """
    kinds = {need.kind: need for need in needs if not need.stored}
    asks = {Ask(need.run, features=True): need for need in kinds.values()}
    alike = {Ask(jobs[0].run, jobs[0].save_weights): jobs for jobs in unknown}
    costs, notes = dict(known), list[str]()
    features: dict[str, FeatureCost] = {}
    for ask, found in _measure([*asks, *alike], how):
        if isinstance(found, str):
            notes.append(f"{ask.run.title}: {found}")
        elif isinstance(found, Cost):
            costs |= {job.run: found for job in alike[ask]}
        else:
            same = [n for n in kinds.values() if n.run == ask.run and n.backbone in found]
            features |= {need.kind: found[need.backbone] for need in same}
    return Measured(costs, features, notes)


def _measure(asks: Sequence[Ask], how: Conditions) -> Iterator[tuple[Ask, Found]]:
    """Yield what was found for each; what fills up the last round is measured twice."""
    found: dict[Ask, list[Found]] = defaultdict(list)
    with (
        TemporaryDirectory(prefix="da-plan-") as scratch,
        tqdm(total=len(asks), desc="measured", disable=None, leave=False) as bar,
    ):
        do = partial(_measure_one, how=replace(how, scratch=Path(scratch)))
        for ask, one in _carry_out(do, asks, how.workers):
            bar.update(ask not in found)
            found[ask].append(str(one) if isinstance(one, Death) else one)
    yield from ((ask, _average(each)) for ask, each in found.items())


def _carry_out(
    do: Callable[[Ask], Found], asks: Sequence[Ask], workers: int
) -> Iterator[tuple[Ask, Found | Death]]:
    """Measure in all processes at once, as they slow one another in the sweep too."""
    if workers <= 1 or not asks:
        yield from ((ask, do(ask)) for ask in asks)
        return
    more = islice(cycle(asks), -len(asks) % workers)
    yield from run_in_processes(partial(_in_worker, do), [*asks, *more], workers)


def _in_worker(do: Callable[[Ask], Found], ask: Ask) -> Found:
    # The default lock of tqdm is a semaphore, which stays behind when a worker is terminated.
    tqdm.set_lock(threading.RLock())
    return do(ask)


def _measure_one(ask: Ask, how: Conditions) -> Found:
    torch.set_num_threads(how.threads)
    try:
        if ask.features:
            return measure_features(ask.run, how)
        return measure_run(ask.run, ask.weights, how)
    except Exception as error:
        return one_line(f"{type(error).__name__}: {error}")


def _average(each: Sequence[Found]) -> Found:
    """Return the mean of times that were measured twice; others are as the first."""
    costs = [found for found in each if isinstance(found, Cost)]
    if not costs:
        return each[0]
    rest, steps = (fmean(getattr(cost, name) for cost in costs) for name in ("rest", "steps"))
    return replace(costs[0], rest=rest, steps=steps)
