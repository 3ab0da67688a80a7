"""A list of records with the numbers that one asks of them in a notebook. Does not import torch."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from da.results import aggregate, records
from da.results.records import Record
from da.results.run_labels import label_runs
from da.system.extras import extra

if TYPE_CHECKING:
    from pandas import DataFrame


class Records(list[Record]):
    """Records of finished runs, in the order of the runs or of their ids."""

    def __repr__(self) -> str:
        """Describe each record in a line, since whole records fill pages."""
        labels = label_runs({record.id: record.settings for record in self})
        reached = (f"{r.curve[-1]['target_accuracy']:.1f} %  {labels[r.id]}" for r in self)
        return "\n".join([f"{len(self)} records, accuracy at the last evaluation:", *reached])

    def accuracy(self, chosen_by: str = "last") -> list[float]:
        """Return the target accuracy of each record, in percent, to four decimals.

        Args:
            chosen_by: What chooses the evaluation of each run: `last`, a selector such as
                `infomax`, or `oracle`, which looks at target labels.

        Raises:
            ValueError: The selector is unknown, there are no records, or one has no accuracy.
        """
        aggregate.check_selectors(self, [chosen_by])
        if not all(map(aggregate.has_accuracy, self)):
            raise ValueError(aggregate.split_tested(self)[1])
        return [round(record.point(chosen_by)["target_accuracy"], 4) for record in self]

    def to_frame(self) -> "DataFrame":
        """Return a table of pandas: a row for each record, its id as index.

        Columns are the settings, the numbers of the last evaluation, and `seconds`.

        Raises:
            ValueError: pandas is not installed.
        """
        with extra("table", "to_frame"):
            from pandas import DataFrame
        rows = [r.settings | r.curve[-1] | {"seconds": r.seconds} for r in self]
        return DataFrame(rows, index=[r.id for r in self])


def load_records(results: str | Path = "results", runs: Iterable[Any] | None = None) -> Records:
    """Load the records in a folder.

    Args:
        results: Folder of the records.
        runs: Runs whose records are wanted, in this order; None for all in the folder. Runs without
            a record are left out.

    Raises:
        ValueError: A file is no record, or there is no record.
    """
    folder = Path(results)
    if runs is None:
        found: Iterable[Any] = records.load_all(folder)
    else:
        found = records.load(folder, {run.id: run.settings() for run in runs})
    if loaded := Records(found):
        return loaded
    raise ValueError(f"no records in {folder}: `da train` and `da sweep` write them")
