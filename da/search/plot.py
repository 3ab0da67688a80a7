"""A figure of the trials of a search. This module does not import torch."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from da.config.ranges import Choice, LogUniform, Range
from da.results.plots import style
from da.results.plots.axes import name_axis
from da.results.plots.style import Pen
from da.search.trial import Trial
from da.system.extras import extra

with extra("tune", "a plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator


@style.with_style
def plot_search(trials: Sequence[Trial], space: Mapping[str, Range], chosen_by: str) -> Figure:
    """Plot the scores of a search over its trials, and over each setting that it varies.

    The upper panel also shows the best score so far.

    Args:
        trials: Finished trials of one search.
        space: Range of each setting that the search varies; each gets a panel.
        chosen_by: Selector that gave the scores, or `oracle` for target accuracy.

    Raises:
        ValueError: No trial has a score.
    """
    scored = [trial for trial in trials if not trial.error]
    whole = [trial for trial in scored if not trial.pruned]
    if not whole:
        raise ValueError("no trials to plot: none has a score")
    columns = min(3, len(space))
    height = 1 + -(-len(space) // columns)
    figure = style.new_figure(2.4 * height + 0.4)
    grid = figure.add_gridspec(height, columns)
    course = figure.add_subplot(grid[0, :])
    _marks(course, scored, lambda trial: trial.number)
    best = np.maximum.accumulate([-np.inf if t.pruned else t.score for t in scored])
    course.step([trial.number for trial in scored], best, where="post", **style.RECORD)
    course.set_xlabel("trial")
    course.xaxis.set_major_locator(MaxNLocator(integer=True))
    for i, (name, a_range) in enumerate(space.items()):
        panel = figure.add_subplot(grid[1 + i // columns, i % columns], sharey=course)
        _setting(panel, scored, name, a_range)
    label = "target accuracy, %, oracle ‡" if chosen_by == "oracle" else name_axis(chosen_by)
    for panel in (course, *figure.axes[1::columns]):
        panel.set_ylabel(label)
    style.add_legend(figure, _legend_entries(scored, chosen_by))
    return figure


def _setting(panel: Axes, trials: Sequence[Trial], name: str, a_range: Range) -> None:
    """Plot the scores over one setting, on the axis on which it is searched."""
    values = list(a_range.values) if isinstance(a_range, Choice) else []
    _marks(panel, trials, lambda t: values.index(t.settings[name]) if values else t.settings[name])
    panel.set_xlabel(name)
    if values:
        panel.set_xticks(range(len(values)), map(str, values))
        panel.set_xlim(-0.5, len(values) - 0.5)
    elif isinstance(a_range, LogUniform):
        panel.set_xscale("log")
        panel.set_xlim(a_range.low / 1.2, a_range.high * 1.2)


def _marks(panel: Axes, trials: Sequence[Trial], at: Callable[[Trial], float]) -> None:
    """Draw a point for each trial, with the best on top."""
    panel.grid()
    whole = [trial for trial in trials if not trial.pruned]
    best = max(whole, key=lambda trial: trial.score)
    groups = (
        ([t for t in trials if t.pruned], style.PRUNED),
        (whole, style.TRIAL),
        ([best], style.BEST),
    )
    for group, pen in groups:
        panel.plot([at(trial) for trial in group], [trial.score for trial in group], **pen)


def _legend_entries(trials: Sequence[Trial], chosen_by: str) -> dict[str, Pen]:
    """Return the legend: kinds of points, and the mark of a choice that uses target labels."""
    entries = {"trial": style.TRIAL, "best": style.BEST, "best so far": style.RECORD}
    if any(trial.pruned for trial in trials):
        entries["given up early"] = style.PRUNED
    if chosen_by == "oracle":
        entries["‡ chosen with target labels"] = {"ls": ""}
    return entries
