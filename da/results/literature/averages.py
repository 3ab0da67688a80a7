"""Averages that papers print of all tasks of a benchmark. Does not import torch."""

from collections.abc import Sequence

from da.config.validation import plain_name
from da.results.literature.benchmarks import BENCHMARKS, Benchmark, numbers_of
from da.results.literature.lookup import (
    PrintedTask,
    Reference,
    choose,
    is_printed,
    networks,
    read_task,
    spellings,
)

AVERAGE = "avg"
"""Source and target of a printed average."""


def average_reference(
    method: str,
    tasks: Sequence[str],
    backbone: str,
    trained: bool = True,
    metric: str = "accuracy",
    papers: Sequence[str] = (),
) -> Reference | None:
    """Return the average that a paper prints of a method, or None if there is none.

    The tasks are all of a benchmark that have a printed number of any method.

    Args:
        method: One of our methods.
        tasks: Our tasks.
        backbone: One of our backbones.
        trained: Whether the backbone was trained on the task.
        metric: One of `printed.METRICS`.
        papers: Papers whose numbers count; empty for the usual ones.
    """
    ours = [read_task(task) for task in tasks]
    first = ours[0]
    if first is None or any(each is None or each.data != first.data for each in ours):
        return None
    read = [each for each in ours if each]
    if any(each.setting != first.setting or len(each.sources) > 1 for each in read):
        return None
    rows = [
        row
        for benchmark in BENCHMARKS
        if is_printed(benchmark, first, method, metric) and _has_all(benchmark, read)
        for row in numbers_of(benchmark)
        if row.source == row.target == AVERAGE and row.backbone in networks(backbone, trained)
    ]
    return choose(rows, first, method, metric, papers)


def _has_all(benchmark: Benchmark, ours: Sequence[PrintedTask]) -> bool:
    """Return whether tasks are all those of a benchmark."""
    known = spellings(benchmark)
    pairs = {(known.get(plain_name(t.sources[0])), known.get(plain_name(t.target))) for t in ours}
    printed = {(row.source, row.target) for row in numbers_of(benchmark)}
    return pairs == printed - {(AVERAGE, AVERAGE)}
