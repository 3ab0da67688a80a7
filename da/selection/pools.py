"""Pools: evaluations of which one is chosen."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from da.results.aggregate import Line, group_records
from da.results.label_columns import ACCURACY
from da.results.negative_transfer import BASELINE
from da.results.records import Point, Record

Within = Literal["run", "method", "all"]
"""What the evaluations of a pool share beside task and seed: a run, a method, or nothing more."""

ONLINE = " (online)"
"""End of the name of a row whose predictions were made while images came, by no one model."""


@dataclass(frozen=True)
class Candidate:
    """An evaluation that can be chosen."""

    label: str
    """Row of its run, as tables show it."""
    record: Record
    """Record of its run."""
    point: Point
    """The evaluation."""


@dataclass(frozen=True)
class Pool:
    """Evaluations of one task and seed."""

    task: str
    """Name of the task."""
    seed: int
    """Seed of the runs."""
    candidates: tuple[Candidate, ...]
    """Evaluations, run by run."""
    baseline: float | None
    """Accuracy of source_only at its last evaluation, in percent; None where it is unknown."""

    @property
    def points(self) -> list[Point]:
        """The evaluations alone."""
        return [candidate.point for candidate in self.candidates]

    @property
    def accuracies(self) -> list[float]:
        """Target accuracies, in percent."""
        return [point[ACCURACY] for point in self.points]


def build_pools(records: Sequence[Record], within: Within = "all") -> list[Pool]:
    """Sort the evaluations of an experiment into pools, without runs that saw target labels.

    Args:
        records: Records of the experiment.
        within: What the evaluations of a pool share beside task and seed.
    """
    pools: dict[tuple[str, str, int, str], list[Candidate]] = defaultdict(list)
    baselines: dict[tuple[str, str, int], list[float]] = defaultdict(list)
    for line, task, seed, record in list_runs(records):
        place = f"{task}{f'+{line.few}'.replace('-', '')}" if line.few else task, line.few, seed
        of = {"run": record.id, "method": line.method, "all": ""}[within]
        pools[*place, of] += [Candidate(line.label, record, point) for point in record.curve]
        if line.method == BASELINE and ACCURACY in record.curve[-1]:
            baselines[place].append(record.curve[-1][ACCURACY])
    return [
        Pool(task, seed, tuple(candidates), fmean(found) if found else None)
        for (task, few, seed, _), candidates in pools.items()
        for found in [baselines.get((task, few, seed))]
    ]


def list_runs(records: Sequence[Record]) -> list[tuple[Line, str, int, Record]]:
    """List runs that saw no target labels, with their rows, tasks and seeds."""
    return [
        (line, task, seed, record)
        for line, runs in group_records([record for record in records if record.curve]).items()
        if not (line.labels or line.oracle or line.method.endswith(ONLINE))
        for task, by_seed in runs.items()
        for seed, record in by_seed.items()
    ]
