"""Figures of the records of an experiment. This module does not import torch."""

from collections.abc import Callable, Iterable, Sequence
from itertools import product
from textwrap import fill
from typing import Any

import numpy as np
from jaxtyping import Float

from da.results.aggregate import (
    Runs,
    check_selectors,
    group_records,
    has_accuracy,
    list_selectors,
    split_tested,
)
from da.results.plots import style
from da.results.plots.axes import ACCURACY, bounds, name_accuracy, name_axis
from da.results.plots.style import Pen
from da.results.records import Record
from da.results.series import add_setting_to_seed, group_by_value
from da.results.usual_scores import keep_usual
from da.system.extras import extra

with extra("plot", "a plot"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SETTINGS = {
    "features": "features kept",
    "labels": "labeled images of each class",
    "sparsity": "share of weights or channels taken out",
}
"""Names for the axis of settings whose own names do not say what they count."""

Scores = Float[np.ndarray, "tasks seeds *steps"]


@style.with_style
def plot_curves(records: Sequence[Record], what: str = ACCURACY) -> Figure:
    """Plot target accuracy and the usual scores over steps, with a line per method.

    Accuracy is left out where a target has no labels. Lines are means over tasks and seeds. Bands
    are one standard deviation, over seeds, of the mean over tasks. If there are more lines than
    styles, only baselines and the best have their own.

    Args:
        records: Records of an experiment.
        what: What their target accuracy is, as `show_metric` makes it.

    Raises:
        ValueError: There are no records.
    """
    rows = _rows(records)
    pens = _pens(rows)
    scores = keep_usual((key for key in list_selectors(records)[1:] if key != "oracle"), records)
    keys = ["target_accuracy"] * all(map(has_accuracy, records)) + scores
    height = 1 + -(-len(keys) // 3)
    figure = style.new_figure(2.2 * height + _space(pens))
    panels = _panels(figure, height, len(keys))
    for panel, key in zip(panels, keys, strict=True):
        weight = "bold" if key == "target_accuracy" else "normal"
        panel.set_title(name_axis(key, what), weight=weight)
        panel.grid(axis="y")
        for name, row in rows.items():
            _curve(panel, row, key, pens[name])
    for panel in panels[-3:]:
        panel.set_xlabel("step")
    _explain(figure, pens, list(rows.values()))
    return figure


@style.with_style
def plot_methods(
    records: Sequence[Record], chosen_by: str = "last", what: str = ACCURACY
) -> Figure:
    """Plot the target accuracy of methods, with the best on top.

    Small dots are tasks, and a large dot is their mean. Whiskers are one standard deviation, over
    seeds, of the mean over tasks. Open circles are methods that were shown target labels.

    Args:
        records: Records of an experiment.
        chosen_by: What chooses the evaluation of each run: `last`, `oracle`, or a score.
        what: What their target accuracy is, as `show_metric` makes it.

    Raises:
        ValueError: The selector is unknown (the error names the known ones), or there are no
            records.
    """
    rows = _rows(records)
    _check_tested(records)
    [chosen_by] = check_selectors(records, [chosen_by])
    scores = {
        name: _scores(row, lambda record: record.point(chosen_by)["target_accuracy"])
        for name, row in rows.items()
    }
    names = sorted(rows, key=lambda name: float(_over_seeds(scores[name])[0]))
    lines = 1 + max(name.count("\n") for name in names)
    figure = style.new_figure(1.1 + (0.16 + 0.18 * lines) * len(names))
    panel = figure.subplots()
    for y, name in enumerate(names):
        _dots(panel, y, scores[name], style.OPEN if "†" in name else style.MEAN)
    panel.set_yticks(range(len(names)), names)
    panel.set_ylim(-0.6, len(names) - 0.4)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid()
    panel.set_xlabel(name_accuracy(chosen_by, what))
    entries = {"a task": style.TASK, _meaning(list(rows.values())) or "a run": style.MEAN}
    style.add_legend(figure, entries | _dagger(rows, style.OPEN))
    return figure


@style.with_style
def plot_against(
    records: Sequence[Record], setting: str, chosen_by: str = "last", what: str = ACCURACY
) -> Figure:
    """Plot target accuracy against a numerical setting, with a line per method.

    Lines are means over tasks. Bands are one standard deviation, over seeds, of the mean over
    tasks. A line leaves out a value if one of its tasks is missing there. Many lines are drawn as
    in `plot_curves`. The axis is logarithmic if the values span more than a decade.

    Args:
        records: Records of an experiment.
        setting: Name of a setting that is a number, or `labels` for the K of `+Klabel`.
        chosen_by: What chooses the evaluation of each run: `last`, `oracle`, or a score.
        what: What their target accuracy is, as `show_metric` makes it.

    Raises:
        ValueError: The setting does not vary or the selector is unknown (the error names the known
            ones), or there are no records.
    """
    rows = _rows(add_setting_to_seed(records, setting))
    _check_tested(records)
    [chosen_by] = check_selectors(records, [chosen_by])
    pens = _pens(rows)
    lines = {name: group_by_value(row) for name, row in rows.items()}
    figure = style.new_figure(4.2 + _space(pens))
    panel = figure.subplots()
    places = style.axis_scale(panel, sorted({value for line in lines.values() for value in line}))
    for name, line in lines.items():
        reached = [
            _over_seeds(_scores(part, lambda record: record.point(chosen_by)["target_accuracy"]))
            for part in line.values()
        ]
        middle, spread = np.array(reached).reshape(-1, 2).T
        at = [places[value] for value in line]
        _band(panel, "target_accuracy", at, middle, spread, style.DOTS | pens[name])
    panel.set_xlabel(SETTINGS.get(setting, setting.replace("_", " ")))
    panel.set_ylabel(name_accuracy(chosen_by, what))
    panel.grid(axis="y")
    _explain(figure, pens, [part for line in lines.values() for part in line.values()])
    return figure


def _check_tested(records: Sequence[Record]) -> None:
    if not all(map(has_accuracy, records)):
        tested, why = split_tested(records)
        raise ValueError(f"no plot of accuracy, {why}" if len(tested) < len(records) else why)


def _rows(records: Sequence[Record]) -> dict[str, Runs]:
    """Return the runs of each line or dot by its name, with a dagger if shown target labels."""
    if not records:
        raise ValueError("no records to plot: run `da sweep` on the experiment first")
    rows = group_records(records)
    most = max(map(len, rows.values()))
    named = {}
    for line, runs in rows.items():
        missing = f" ({len(runs)} of {most} tasks)" if len(runs) < most else ""
        named[fill(line.marked_label + missing, 42)] = runs
    return named


def _pens(rows: dict[str, Runs]) -> dict[str, Pen]:
    """Assign a line style to each row, first to baselines and the best at the last evaluation."""

    def rank(name: str) -> tuple[bool, float]:
        baseline = _any(rows[name]).settings["method"] == "source_only"
        last = _scores(rows[name], lambda record: record.curve[-1].get("target_accuracy", 0.0))
        return not baseline, -float(_over_seeds(last)[0])

    return style.assign_pens(list(rows), sorted(rows, key=rank))


def _any(runs: Runs) -> Record:
    return next(record for by_seed in runs.values() for record in by_seed.values())


def _panels(figure: Figure, height: int, count: int) -> list[Axes]:
    """Add a large panel, two to its right, and the others below, three in a row."""
    grid = figure.add_gridspec(height, 3)
    large: tuple[Any, Any] = slice(2), slice(2)
    places = [large, (0, 2), (1, 2), *product(range(2, height), range(3))]
    return [figure.add_subplot(grid[place]) for place in places[:count]]


def _own(pens: dict[str, Pen]) -> dict[str, Pen]:
    """Return the lines that have a style of their own."""
    return {name: pen for name, pen in pens.items() if pen is not style.REST}


def _space(pens: dict[str, Pen]) -> float:
    """Return the inches that the legend and the note need above and below the panels."""
    own = _own(pens)
    return 0.4 + 0.07 * len(own) + 0.3 * (len(own) < len(pens))


def _meaning(rows: Sequence[Runs]) -> str:
    """Say what a drawn number of these rows is, or nothing if it is that of a single run."""
    tasks = max(map(len, rows), default=1) > 1
    seeds = any(len(by_seed) > 1 for runs in rows for by_seed in runs.values())
    if not tasks and not seeds:
        return ""
    return f"mean{' of tasks' * tasks}{' ± deviation over seeds' * seeds}"


def _explain(figure: Figure, pens: dict[str, Pen], rows: Sequence[Runs]) -> None:
    """Add a legend above the panels, and a note below on the lines that it leaves out."""
    own = _own(pens)
    meaning = {_meaning(rows): style.BAND} if _meaning(rows) else {}
    style.add_legend(figure, own | meaning | _dagger(own, {"ls": ""}))
    if rest := len(pens) - len(own):
        text = f"{rest} more rows, of lower means at the last evaluation, are thin gray lines"
        style.add_note(figure, f"{text}; --only chooses which rows are drawn")


def _scores(runs: Runs, score: Callable[[Record], Any]) -> Scores:
    """Return the number, or numbers per step, of every record; NaN if there is no record."""
    seeds = list(dict.fromkeys(seed for by_seed in runs.values() for seed in by_seed))
    found = [(i, k, score(r)) for i, by in enumerate(runs.values()) for k, r in by.items()]
    scores = np.full((len(runs), len(seeds), *np.shape(found[0][2])), np.nan)
    for task, seed, value in found:
        scores[task, seeds.index(seed)] = value
    return scores


def _over_seeds(scores: Scores) -> tuple[Any, Any]:
    """Return the mean over tasks, and its deviation over seeds that have all; 0 for one seed."""
    middle = np.nanmean(scores, 1).mean(0)
    each = scores.mean(0)
    each = each[~np.isnan(each).reshape(len(each), -1).any(1)]
    return middle, each.std(0, ddof=1) if len(each) > 1 else np.zeros_like(middle)


def _curve(panel: Axes, runs: Runs, key: str, pen: Pen) -> None:
    """Draw a line over the steps that all records of a row have."""
    found = [{p["step"] for p in r.curve} for by_seed in runs.values() for r in by_seed.values()]
    steps = sorted(set.intersection(*found))
    scores = _scores(runs, lambda record: [p[key] for p in record.curve if p["step"] in steps])
    _band(panel, key, steps, *_over_seeds(scores), {"marker": "o" if len(steps) == 1 else ""} | pen)


def _band(panel: Axes, key: str, x: Sequence[float], middle: Any, spread: Any, pen: Pen) -> None:
    """Draw a line, and around it a band of `spread` to either side."""
    panel.plot(x, middle, **pen)
    if pen["color"] != style.REST["color"]:
        low, high = bounds(key, middle, spread)
        panel.fill_between(x, low, high, color=pen["color"], alpha=0.2, lw=0)


def _dots(panel: Axes, y: int, scores: Scores, pen: Pen) -> None:
    middle, spread = _over_seeds(scores)
    tasks = np.unique(np.nanmean(scores, 1))
    panel.plot(tasks, np.full(len(tasks), y), **style.TASK)
    low, high = bounds("target_accuracy", middle, spread)
    panel.errorbar(middle, y, xerr=[[middle - low], [high - middle]], elinewidth=2.4, **pen)
    number = f"{middle:.1f}" + (f" ± {spread:.1f}" if spread else "")
    right = panel.get_yaxis_transform()
    panel.text(1.01, y, number, transform=right, va="center_baseline", color=style.INK)


def _dagger(names: Iterable[str], pen: Pen) -> dict[str, Pen]:
    """Return the legend of the dagger, if a name has one."""
    return {"† was shown target labels": pen} if any("†" in name for name in names) else {}
