"""Models of a task that are combined: evaluations of runs whose outputs were kept."""

import math
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from da.evaluation import kept_outputs
from da.evaluation.predictions import Predictions
from da.results.record_schema import find_key
from da.results.records import Point, Record
from da.selection.pools import Candidate, list_runs


def group_members(
    records: Sequence[Record], *, every: bool
) -> dict[tuple[str, int], list[Candidate]]:
    """Sort runs that saw no target labels by task and seed.

    Args:
        records: Records of an experiment.
        every: Whether all evaluations of a run count, and not only that whose weights it keeps.
    """
    found: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for line, task, seed, record in list_runs(records):
        points = record.curve if every else [kept_point(record)]
        found[task, seed] += [Candidate(line.label, record, point) for point in points]
    return dict(found)


def kept_point(record: Record) -> Point:
    """Return the evaluation of a run whose weights it keeps; of equal ones, the first."""
    chosen_by = record.settings.get("chosen_by", "last")
    if chosen_by == "last":
        return record.curve[-1]
    return max(record.curve, key=lambda point: point.get(find_key(chosen_by, point), -math.inf))


def load_outputs(members: Sequence[Candidate], results: Path) -> list[Predictions]:
    """Load the outputs of models.

    Args:
        members: Evaluations of runs of one task.
        results: Folder of their records.

    Raises:
        ValueError: The outputs of an evaluation were not kept.
    """
    return [_load(member, results) for member in members]


def _load(member: Candidate, results: Path) -> Predictions:
    kept, step = kept_outputs.load(member.record, results), int(member.point["step"])
    if step not in kept:
        raise ValueError(
            f"no outputs of run {member.record.id} at step {step}: train or sweep it again with "
            "--outputs all"
        )
    return kept[step]
