"""Notes below a table. Does not import torch."""

from collections.abc import Sequence

from da.results import aggregate
from da.results.aggregate import Line, Runs
from da.results.record_schema import LABELED
from da.results.records import Record


def describe_progress(count: int, wanted: Sequence[Record] | None) -> str:
    """Say how many runs have records, out of how many, and which rows have none."""
    if wanted is None:
        return f"{count} runs, "
    if count == len(wanted):
        return f"{count} of {count} runs, "
    missing = ", ".join(
        line.label
        for line, runs in aggregate.group_records(wanted).items()
        if not any(r.curve for by_seed in runs.values() for r in by_seed.values())
    )
    none = f" (none yet of {missing})" if missing else ""
    return f"only {count} of {len(wanted)} runs{none}, "


def describe_choice(names: list[str]) -> str:
    """Say which evaluation of each run is shown."""
    if len(names) > 1:
        return "each at the evaluation that its column chooses"
    if names == ["oracle"]:
        return "each at its best evaluation (oracle: chosen with target labels)"
    if names == ["last"]:
        return "each at its last evaluation"
    how = "with" if names[0] in LABELED else "without"
    return f"each at the evaluation that {names[0]} chooses, {how} target labels"


def describe_marks(rows: dict[Line, Runs], tasks: list[str], columns: Sequence[str]) -> list[str]:
    """Describe the marks of rows and cells, and what is left out.

    Args:
        rows: Records of the rows.
        tasks: Columns of the records.
        columns: Label columns of which the first alone is shown; empty where all are.
    """
    repeated = max(aggregate.most_repeated(runs, tasks) for runs in rows.values())
    shown = ", ".join(columns)
    notes = {
        f"each row is of its first label column; --label-columns shows {shown}": bool(columns),
        "† shown target labels, so never the best": any(line.labels for line in rows),
        "‡ the source was chosen with target labels, so never the best": (
            any(line.oracle for line in rows)
        ),
        f"§ up to {repeated} of a task's test images are labeled training images too": repeated > 0,
        "an average is blank where one of its tasks is missing": (
            any(len(runs) < len(tasks) for runs in rows.values())
        ),
    }
    return [note for note, holds in notes.items() if holds]
