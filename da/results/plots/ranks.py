"""Figures of what rows may claim: ranks, intervals, profiles. This module does not import torch."""

from collections.abc import Sequence
from textwrap import fill

import numpy as np
from jaxtyping import Float

from da.config.validation import shorten_names
from da.results.aggregate import (
    Line,
    Runs,
    check_selectors,
    group_records,
    list_tasks,
    split_tested,
)
from da.results.plots import style
from da.results.plots.axes import ACCURACY, name_accuracy
from da.results.plots.style import Pen
from da.results.records import Record
from da.results.single_best import join_singles
from da.results.table_cells import collect_values
from da.statistics import intervals, pairs, ranks
from da.statistics.intervals import Values
from da.system.extras import extra

with extra("plot", "a plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SEEDS: Pen = {"color": style.COLORS[0], "lw": 4, "solid_capstyle": "butt"}
TASKS: Pen = {"color": style.COLORS[0], "lw": 1.3}
GROUP: Pen = {"color": style.INK, "lw": 2.2}
"""Lines of both intervals, and of rows that are not apart."""


@style.with_style
def plot_ranks(
    records: Sequence[Record], chosen_by: str = "last", what: str = ACCURACY, *, falling: bool
) -> Figure:
    """Plot mean ranks over tasks, interquartile means, and how likely the first beats each row.

    Rows are sorted by mean rank. Bars next to the ranks join rows that are less than Nemenyi's
    critical difference apart. Rows that were shown target labels, or lack a task, are left out.

    Args:
        records: Records of an experiment.
        chosen_by: What chooses the evaluation of each run: `last`, `oracle`, or a score.
        what: What their target accuracy is, as `show_metric` makes it.
        falling: Whether it is better where it is lower.

    Raises:
        ValueError: The selector is unknown, or there are fewer than two such rows or two tasks.
    """
    rows = _rows(records, chosen_by)
    better = {name: -values if falling else values for name, values in rows.items()}
    scores = np.array([np.nanmean(values, 1) for values in better.values()])
    means = dict(zip(rows, ranks.rank_rows(scores).mean(1), strict=True))
    names = sorted(rows, key=means.__getitem__)
    ordered = np.array([means[name] for name in names])
    apart = ranks.critical_difference(*scores.shape)
    groups = _place(ranks.group_ranks(ordered, apart))
    of_ranks, of_groups, of_means, of_wins, figure = _panels(names, groups)
    of_ranks.plot(ordered, range(len(names)), **style.MEAN)
    of_ranks.set_xlabel(f"mean rank over {scores.shape[1]} tasks")
    _draw_groups(of_groups, groups, of_ranks.get_ylim())
    for y, name in enumerate(names):
        _draw_mean(of_means, y, rows[name])
        if y:
            _draw_wins(of_wins, y, better[names[0]], better[name])
    of_means.set_xlabel(fill(f"interquartile mean of {name_accuracy(chosen_by, what)}", 32))
    of_wins.set_xlabel(fill(f"probability that {names[0]} beats it", 22))
    p = ranks.friedman_p_value(scores)
    text = f"critical difference (Nemenyi, 5 %): {apart:.1f} ranks; Friedman's test: p = {p:.2g}"
    style.add_note(figure, text)
    return figure


@style.with_style
def plot_profile(
    records: Sequence[Record], chosen_by: str = "last", what: str = ACCURACY
) -> Figure:
    """Plot the share of runs above each accuracy, with a line per row: a performance profile.

    The first three arguments and the errors are those of `plot_ranks`.
    """
    rows = _rows(records, chosen_by)
    ranked = sorted(rows, key=lambda name: -intervals.mean(rows[name]))
    pens = style.assign_pens([*rows], ranked)
    every = np.concatenate([values.ravel() for values in rows.values()])
    above = np.linspace(np.nanmin(every), np.nanmax(every), 300)
    own = {name: pens[name] for name in ranked if pens[name] is not style.REST}
    figure = style.new_figure(4.6 + 0.07 * len(own))
    panel = figure.subplots()
    for name, values in rows.items():
        panel.plot(above, pairs.profile(values, above), **pens[name])
    panel.set_xlabel(name_accuracy(chosen_by, what))
    panel.set_ylabel("share of runs above it")
    panel.set_ylim(0, 1.02)
    panel.grid()
    style.add_legend(figure, own)
    if rest := len(rows) - len(own):
        style.add_note(figure, f"{rest} more rows, of lower means, are thin gray lines")
    return figure


def describe_left_out(records: Sequence[Record]) -> list[str]:
    """Return lines on what has no rank: runs without a target accuracy, and rows that lack tasks.

    Args:
        records: Records of an experiment.
    """
    rows, tasks, untested = _fair_rows(records)
    lacking = [
        f"{line.label} ({len(tasks) - len(runs)} of {len(tasks)})"
        for line, runs in rows.items()
        if len(runs) < len(tasks)
    ]
    incomplete = f"no rank, as tasks are missing: {shorten_names(lacking)}" if lacking else ""
    return [*filter(None, [untested, incomplete])]


def _fair_rows(records: Sequence[Record]) -> tuple[dict[Line, Runs], list[str], str]:
    """Return the rows that were shown no target labels, their tasks, and what is not tested."""
    tested, untested = split_tested(records)
    rows = group_records(join_singles(tested))
    fair = {line: runs for line, runs in rows.items() if not line.labels and not line.oracle}
    return fair, list_tasks(fair), untested


def _rows(records: Sequence[Record], chosen_by: str) -> dict[str, Values]:
    """Return the numbers of each row that has all tasks and was shown no target labels."""
    tested, _ = split_tested(records)
    [selector] = check_selectors(tested, [chosen_by])
    fair, tasks, _ = _fair_rows(records)
    found = {fill(ln.label, 42): collect_values(runs, tasks, selector) for ln, runs in fair.items()}
    kept = {name: values for name, values in found.items() if values is not None}
    if len(kept) < 2 or len(tasks) < 2:
        why = "; ".join(["", *describe_left_out(records)])
        raise ValueError(
            f"ranks need two rows with all tasks and two tasks, not {len(kept)} and "
            f"{len(tasks)}{why}"
        )
    return kept


def _place(groups: Sequence[tuple[int, int]]) -> dict[tuple[int, int], int]:
    """Return the column of each group, so that no two groups overlap in one."""
    ends: list[int] = []
    places = {}
    for first, last in groups:
        free = [i for i, end in enumerate(ends) if end < first]
        column = free[0] if free else len(ends)
        ends[column : column + 1] = [last]
        places[first, last] = column
    return places


def _panels(
    names: Sequence[str], groups: dict[tuple[int, int], int]
) -> tuple[Axes, Axes, Axes, Axes, Figure]:
    """Make the panels of ranks, groups, means and wins, next to each other, and their figure."""
    lines = 1 + max(name.count("\n") for name in names)
    figure = style.new_figure(1.8 + (0.14 + 0.15 * lines) * len(names))
    columns = 1 + max(groups.values(), default=0)
    grid = figure.add_gridspec(1, 4, width_ratios=[3, 0.12 * columns + 0.1, 3, 2])
    of_ranks, of_groups, of_means, of_wins = (figure.add_subplot(grid[i]) for i in range(4))
    for panel in (of_ranks, of_means, of_wins):
        _rule(panel, names if panel is of_ranks else [""] * len(names))
    of_wins.axvline(0.5, color=style.GRAY, lw=0.8, zorder=0)
    of_wins.set_xlim(0, 1.02)
    entries = {"95 % over seeds": SEEDS, "95 % over tasks": TASKS, "not apart by rank": GROUP}
    style.add_legend(figure, entries)
    return of_ranks, of_groups, of_means, of_wins, figure


def _rule(panel: Axes, names: Sequence[str]) -> None:
    """Name the rows of a panel, the first on top."""
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(len(names) - 0.4, -0.6)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid()


def _draw_groups(
    panel: Axes, groups: dict[tuple[int, int], int], limits: tuple[float, float]
) -> None:
    panel.axis("off")
    panel.set_ylim(limits)
    panel.set_xlim(-0.8, max(groups.values(), default=0) + 0.8)
    for (first, last), column in groups.items():
        panel.plot([column, column], [first - 0.2, last + 0.2], **GROUP)


def _draw_mean(panel: Axes, y: int, values: Values) -> None:
    for ends, pen in (
        (intervals.interquartile_over_tasks(values), TASKS),
        (intervals.interquartile_over_seeds(values), SEEDS),
    ):
        if ends:
            panel.plot(np.clip(ends, 0, 100), [y, y], **pen)
    panel.plot(intervals.interquartile_mean(values), y, **style.OPEN | {"ms": 5, "mew": 1.4})


def _draw_wins(
    panel: Axes,
    y: int,
    first: Float[np.ndarray, "tasks seeds"],
    other: Float[np.ndarray, "tasks others"],
) -> None:
    panel.plot(pairs.improvement_over_tasks(first, other), [y, y], **TASKS)
    panel.plot(pairs.improvement(first, other), y, **style.MEAN | {"ms": 5})
