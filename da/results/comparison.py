"""Compare two rows of an experiment, task by task. Does not import torch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from da.config.validation import likely_names
from da.results import aggregate
from da.results.aggregate import Line, Runs
from da.results.records import Record
from da.results.shown_metric import FALLING, TITLES, show_records
from da.results.single_best import join_singles
from da.results.table_cells import collect_values
from da.results.table_columns import name_benchmarks
from da.results.table_notes import describe_choice
from da.statistics.intervals import Values


@dataclass(frozen=True)
class Comparison:
    """Numbers of two rows on the tasks, and with the seeds, that both have."""

    title: str
    """What is compared, and where."""
    names: tuple[str, str]
    """Labels of both rows."""
    tasks: tuple[str, ...]
    """Tasks that both rows have."""
    first: Values
    """Numbers of the first row's runs."""
    second: Values
    """Numbers of the second row's runs."""
    paired: bool
    """Whether columns are seeds; otherwise the one column is the mean of unlike seeds."""
    falling: bool
    """Whether a number is better where it is lower."""

    @property
    def gains(self) -> tuple[Values, Values]:
        """Numbers of both rows, higher where they are better."""
        sign = -1 if self.falling else 1
        return sign * self.first, sign * self.second


def compare_rows(
    records: Sequence[Record], names: tuple[str, str], chosen_by: str = "last", metric: str = ""
) -> Comparison:
    """Collect the numbers of two rows on the tasks and with the seeds that both have.

    Args:
        records: Records of an experiment.
        names: Labels of the two rows, or methods with a single row.
        chosen_by: What chooses the evaluation of each run: `last`, `oracle`, or a score.
        metric: What is compared; empty for what papers print of such tasks.

    Raises:
        ValueError: A row, a selector or a metric is unknown, or the rows share no task.
    """
    tested, untested = aggregate.split_tested(records)
    if records and not any(map(aggregate.has_accuracy, tested)):
        raise ValueError(untested)
    shown, what = show_records(tested, metric)
    [selector] = aggregate.check_selectors(shown, [chosen_by])
    rows = aggregate.group_records(join_singles(shown))
    lines = [find_row(rows, name) for name in names]
    if lines[0] == lines[1]:
        known = ", ".join(line.label for line in rows if line != lines[0])
        raise ValueError(f"both rows are {lines[0].label!r}, others: {known or 'none'}")
    every = aggregate.list_tasks(rows)
    tasks = tuple(task for task in every if all(task in rows[line] for line in lines))
    if not tasks:
        raise ValueError(f"{names[0]!r} and {names[1]!r} have no task in common")
    pair = [rows[line] for line in lines]
    first, second, seeds = _on_both(pair, tasks, selector)
    counts = f"{len(tasks)} task{'s' * (len(tasks) > 1)}, {seeds or 'unlike'} seed"
    title = f"{name_benchmarks([*tasks])}, {counts}{'s' * (seeds != 1)}: {what} in %, "
    title += describe_choice([selector])
    labels = lines[0].marked_label, lines[1].marked_label
    falling = what in [TITLES[name] for name in FALLING]
    return Comparison(title, labels, tasks, first, second, seeds > 0, falling)


def find_row(rows: dict[Line, Runs], name: str) -> Line:
    """Return the row of a label, or the only one of a method.

    Raises:
        ValueError: There is none, or the method has several.
    """
    found = [line for line in rows if name in (line.label, line.marked_label)]
    found = found or [line for line in rows if name == line.method]
    if not found:
        raise ValueError(f"unknown row {name!r}, known: {_known(name, rows)}")
    if len(found) > 1:
        several = ", ".join(repr(line.label) for line in found)
        raise ValueError(f"{name!r} has {len(found)} rows, known: {several}")
    return found[0]


def _known(name: str, rows: dict[Line, Runs]) -> str:
    return ", ".join(likely_names(name, [line.label for line in rows]))


def _on_both(
    pair: Sequence[Runs], tasks: Sequence[str], selector: str
) -> tuple[Values, Values, int]:
    """Return the numbers of both rows with the seeds that have all tasks, and how many these are.

    Where there is none, each row is one column of means over its seeds.
    """
    every = [set(runs[task]) for runs in pair for task in tasks]
    seeds = set.intersection(*every)
    kept = [
        {task: {s: r for s, r in runs[task].items() if s in seeds or not seeds} for task in tasks}
        for runs in pair
    ]
    first, second = (collect_values(runs, tasks, selector) for runs in kept)
    assert first is not None
    assert second is not None
    if not seeds:
        first, second = (np.nanmean(values, 1, keepdims=True) for values in (first, second))
    return first, second, len(seeds)
