"""Records of runs whose target has no labels, and so no accuracy. Does not import torch."""

from collections.abc import Sequence

from da.results.records import Record


def is_tested(record: Record) -> bool:
    """Return whether a record has target accuracies, or no evaluation yet."""
    return not record.curve or "target_accuracy" in record.curve[-1]


def leave_out_untested(records: Sequence[Record]) -> list[Record]:
    """Return the records that have target accuracies.

    Raises:
        ValueError: There are records, but none that has any.
    """
    found = [record for record in records if is_tested(record)]
    if records and not found:
        raise ValueError(
            f"no target accuracy in {len(records)} of {len(records)} records: the target has no "
            "labels; `da runs` shows the scores of label-free selectors"
        )
    return found


def describe_left_out(records: Sequence[Record]) -> str:
    """Say how many records have no target accuracy; empty where all have one."""
    count = sum(not is_tested(record) for record in records)
    return f"{count} more runs have no target accuracy: their targets have no labels" * bool(count)
