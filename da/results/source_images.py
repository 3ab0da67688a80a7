"""What `source_accuracy` is measured on."""

from collections.abc import Sequence

from da.results.choosers import GATED_BY, list_scores
from da.results.records import Record


def describe_source(records: Sequence[Record], names: Sequence[str]) -> list[str]:
    """Say in a line where the source accuracy is that of training images.

    Args:
        records: Records of a table.
        names: What the table shows or chooses by; without `source_accuracy`, say nothing.
    """
    every = [not record.settings.get("hold_out", True) for record in records]
    if GATED_BY not in {score for name in names for score in list_scores(name)} or not any(every):
        return []
    where = "" if all(every) else " where hold_out is off"
    return [f"source_accuracy is that of training images{where}"]
