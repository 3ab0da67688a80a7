"""Style of the figures: colors, lines, legends, axes. This module does not import torch."""

from collections.abc import Sequence
from itertools import product
from math import inf
from pathlib import Path
from typing import Any

import numpy as np

from da.results.plots.fonts import settle_fonts, without_warnings
from da.results.plots.palette import COLORS, GRAY, INK, PALE
from da.system.cache import write_whole
from da.system.extras import extra

with extra("plot", "a plot"):
    from matplotlib import rc_context
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine
    from matplotlib.lines import Line2D

WIDTH = 10
"""Width of every figure, in inches."""

MOST_TICKS = 12
"""Largest number of ticks on an axis that names its values one by one."""

Pen = dict[str, Any]
"""Keyword arguments with which matplotlib draws a line or points."""
DASHES = "-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1))
LINES: Sequence[Pen] = [{"color": color, "ls": ls} for ls, color in product(DASHES[:2], COLORS)]
DAGGERED: Sequence[Pen] = [{"color": GRAY, "ls": ls} for ls in DASHES[1:]]
REST: Pen = {"color": "#BBBBBB", "ls": "-", "lw": 0.7, "ms": 3, "zorder": 1}
"""Style of lines that have none of their own."""
TASK: Pen = {"marker": "o", "ms": 5.5, "mew": 0, "ls": "", "color": COLORS[5], "alpha": 0.45}
MEAN: Pen = {"marker": "o", "ms": 7.5, "mew": 1.8, "ls": "", "color": COLORS[0]}
OPEN: Pen = {**MEAN, "mfc": "white"}
DOTS: Pen = {"marker": "o", "ms": 4.5}
WHISKERS: Pen = {"elinewidth": 1.6, "capsize": 3, "ls": ""}
SOURCE: Pen = {"marker": "o", "ms": 4.5, "mew": 0, "ls": "", "alpha": 0.7}
TARGET: Pen = {"marker": "^", "ms": 5.5, "mew": 1, "ls": "", "mfc": "none"}
TRIAL: Pen = {"marker": "o", "ms": 6, "mew": 0, "ls": "", "color": COLORS[0], "alpha": 0.75}
PRUNED: Pen = {"marker": "o", "ms": 4.5, "mew": 1, "ls": "", "color": GRAY, "mfc": "white"}
BEST: Pen = {"marker": "D", "ms": 8, "mew": 0, "ls": "", "color": COLORS[1]}
RECORD: Pen = {"color": COLORS[1], "lw": 1.2}
SHAPES = "o", "s", "^"
"""Shapes of points where colors are too few for the classes.

Points of the source are filled, and those of the target are not.
"""
SWATCH: Pen = {"marker": "s", "ms": 8, "ls": ""}
BAND: Pen = {**SWATCH, "color": GRAY, "alpha": 0.4, "mew": 0}

STYLE: Any = {
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GRAY,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "xtick.color": GRAY,
    "ytick.color": GRAY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "svg.hashsalt": "da",
    "pdf.fonttype": 42,  # text stays text, to search and to copy
}

with_style = rc_context(STYLE)
"""Decorator that makes a function draw in this style."""


def new_figure(height: float) -> Figure:
    """Make an empty figure.

    Args:
        height: Height in inches.
    """
    return Figure((WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))


def add_legend(figure: Figure, entries: dict[str, Pen], title: str = "") -> None:
    """Add a legend above the panels, in as many columns as fit.

    Args:
        figure: Figure to add the legend to.
        entries: Names, each with the style that it explains.
        title: Title of the legend; empty for none.
    """
    widths = [0.7 + 0.085 * max(map(len, name.split("\n"))) for name in entries]
    counts = range(len(entries), 0, -1)
    columns = next((n for n in counts if sum(map(max, np.array_split(widths, n))) < WIDTH), 1)
    handles = [Line2D([], [], label=name, **pen) for name, pen in entries.items()]
    figure.legend(
        handles=handles,
        loc="outside upper left",
        ncols=columns,
        title=title or None,
        title_fontproperties={"weight": "bold"},
        alignment="left",
    )


def add_note(figure: Figure, text: str) -> None:
    """Add a line of text below the panels."""
    figure.supxlabel(text, x=0.01, ha="left", size=STYLE["font.size"], color=INK)


def assign_pens(names: Sequence[str], ranked: Sequence[str]) -> dict[str, Pen]:
    """Assign a distinct line style to each name as far as there are styles, else `REST`.

    All names have a style of their own if `LINES` suffice. Otherwise as many have one as there are
    colors. Names with a dagger have one as far as there are gray dashes.

    Args:
        names: Names of all lines.
        ranked: The same names, with those that need a style of their own first.
    """
    fair, daggered = ([n for n in ranked if ("†" in n) is marked] for marked in (False, True))
    most = len(LINES) if len(fair) <= len(LINES) else len(COLORS)
    own = {*fair[:most], *daggered[: len(DAGGERED)]}
    free = {False: iter(LINES), True: iter(DAGGERED)}
    return {name: next(free["†" in name]) if name in own else REST for name in names}


def axis_scale(panel: Axes, values: Sequence[float]) -> dict[float, float]:
    """Set scale and ticks of the horizontal axis, and return the place of each value on it.

    The scale is logarithmic if the values span more than a decade. Infinity is shown as `all` and
    placed beyond the last finite value.

    Args:
        panel: Panel whose axis is set.
        values: Ascending values.
    """
    finite = [value for value in values if value < inf]
    low = min((value for value in finite if value > 0), default=inf)
    first, last, spaces = finite[0], finite[-1], max(1, len(finite) - 1)
    wide = last > 10 * low
    if wide:
        usual = first > 0
        panel.set_xscale("log" if usual else "symlog", **({} if usual else {"linthresh": low}))
    beyond = last * (last / low) ** (1 / spaces) if wide else last + (last - first or 1) / spaces
    places = {value: min(value, beyond) for value in values}
    shown = values[::-1][:: -(-len(values) // MOST_TICKS)]
    panel.set_xticks([places[v] for v in shown], [f"{v:g}" if v < inf else "all" for v in shown])
    panel.minorticks_off()
    return places


def class_colors(count: int) -> Sequence[Pen]:
    """Return a color for each class, with a marker if colors are too few.

    Return nothing if markers and colors together are too few.
    """
    if count <= len(COLORS):
        return [{"color": color} for color in COLORS[:count]]
    pens = [{"marker": m, "color": color} for m, color in product(SHAPES, COLORS)]
    return pens[:count] if count <= len(pens) else []


@with_style
def save_figure(figure: Figure, path: Path) -> list[Path]:
    """Write a figure as PNG, 1600 pixels wide, as SVG, and as PDF with its fonts.

    The same figure always gives the same bytes.

    Args:
        figure: Figure to write.
        path: Path of the files, without ending.

    Returns:
        Paths of the files.
    """
    files = []
    settle_fonts(figure)
    for kind, metadata in {
        "png": None,
        "svg": {"Date": None},
        "pdf": {"CreationDate": None},
    }.items():
        files.append(path.with_name(f"{path.name}.{kind}"))
        with write_whole(files[-1], "--out") as part, without_warnings():
            figure.savefig(part, format=kind, dpi=1600 / WIDTH, metadata=metadata)
    return files
