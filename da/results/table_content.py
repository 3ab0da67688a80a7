"""Records sorted for tables of them, and the evaluations that selectors choose. No torch here."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from da.results import aggregate
from da.results.aggregate import Line, Runs
from da.results.literature_rows import Printed, find_printed
from da.results.records import Record
from da.results.shown_metric import check_metric, show_metric
from da.results.single_best import join_singles
from da.results.table_cells import keep_chosen


@dataclass(frozen=True)
class Content:
    """Records of a table, sorted into rows and columns."""

    tested: list[Record]
    """Records of the rows, with the metric as their accuracy."""
    untested: str
    """Line on those without target labels; may be empty."""
    metric: str
    """What is shown."""
    rows: dict[Line, Runs]
    tasks: list[str]
    known: list[str]
    """What can choose the evaluation of every run."""
    chosen: dict[str, dict[Line, Runs]] = field(default_factory=dict)
    """Rows with the evaluations that selectors choose, as far as they were asked for."""
    printed: dict[tuple[str, ...], Printed] = field(default_factory=dict)
    """Numbers of papers, as far as they were asked for."""

    def find_printed(self, columns: Sequence[Sequence[str]], papers: Sequence[str]) -> Printed:
        """Return the printed numbers for a table by task.

        Args:
            columns: Tasks that each column averages over, which are the same at each call.
            papers: Papers whose numbers count; empty for the usual ones.
        """
        key = tuple(papers)
        if key not in self.printed:
            self.printed[key] = find_printed(self.rows, columns, self.metric, papers)
        return self.printed[key]

    def choose(self, selector: str) -> dict[Line, Runs]:
        """Return the rows with the evaluation alone that a selector chooses of each run."""
        if selector not in self.chosen:
            self.chosen[selector] = keep_chosen(self.rows, selector)
        return self.chosen[selector]


def sort_records(records: Sequence[Record], metric: str) -> Content:
    """Sort records into rows and columns.

    Raises:
        ValueError: The metric is unknown.
    """
    tested, untested = aggregate.split_tested(records)
    metric = check_metric(tested, metric)
    if metric != "accuracy":
        tested = [show_metric(record, metric) for record in tested]
    rows = aggregate.group_records(join_singles(tested))
    tasks = aggregate.list_tasks(rows)
    return Content(tested, untested, metric, rows, tasks, aggregate.known_selectors(tested))
