"""Models of a task that are combined: evaluations of runs whose outputs were kept."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from da.evaluation import kept_outputs
from da.evaluation.predictions import Predictions
from da.results.aggregate import group_records
from da.results.records import Point, Record

ONLINE = " (online)"
"""End of the name of a row whose predictions were made while images came, by no one model."""


@dataclass(frozen=True)
class Member:
    """An evaluation of a run."""

    label: str
    """Row of the run, as tables show it."""
    record: Record
    """Record of the run."""
    point: Point
    """The evaluation."""


def group_members(records: Sequence[Record], *, every: bool) -> dict[tuple[str, int], list[Member]]:
    """Sort runs that saw no target labels by task and seed.

    Args:
        records: Records of an experiment.
        every: Whether all evaluations of a run count, and not only that whose weights it keeps.
    """
    found: dict[tuple[str, int], list[Member]] = defaultdict(list)
    for line, runs in group_records([record for record in records if record.curve]).items():
        if line.labels or line.method.endswith(ONLINE):
            continue
        for task, by_seed in runs.items():
            for seed, record in by_seed.items():
                points = record.curve if every else [kept_point(record)]
                found[task, seed] += [Member(line.label, record, point) for point in points]
    return dict(found)


def kept_point(record: Record) -> Point:
    """Return the evaluation of a run whose weights it keeps; of equal ones, the first."""
    chosen_by = record.settings.get("chosen_by", "last")
    if chosen_by == "last":
        return record.curve[-1]
    return max(record.curve, key=lambda point: point[chosen_by])


def load_outputs(members: Sequence[Member], results: Path) -> list[Predictions]:
    """Load the outputs of models.

    Args:
        members: Evaluations of runs of one task.
        results: Folder of their records.

    Raises:
        ValueError: The outputs of an evaluation were not kept.
    """
    return [_load(member, results) for member in members]


def _load(member: Member, results: Path) -> Predictions:
    kept, step = kept_outputs.load(member.record, results), int(member.point["step"])
    if step not in kept:
        raise ValueError(
            f"no outputs of run {member.record.id} at step {step}: train or sweep it again with "
            "--outputs all"
        )
    return kept[step]
