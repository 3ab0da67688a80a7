"""How figures look. No torch."""

from collections.abc import Iterable, Sequence
from itertools import cycle, product
from math import inf
from pathlib import Path
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.lines import Line2D

from da.home import whole

WIDTH = 10
"""Inches, of every figure."""

COLORS = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"
"""Okabe & Ito 2008, but for the yellow, which white paper swallows."""
CLASS_COLORS = (
    *("#9F0162", "#009F81", "#FF5AAF", "#008DF9", "#FFC33B", "#8400CD"),
    *("#00C2F9", "#A40122", "#FFB2FD", "#FF6E3A", "#00FCCF", "#E20134"),
)
"""Twelve that stay apart for the common kinds of colour blindness (Krzywinski 2020)."""
INK, GREY, PALE = "#222222", "#888888", "#E4E4E4"

MOST_TICKS = 12
"""On an axis whose values are named one by one."""

Pen = dict[str, Any]
"""How matplotlib is to draw a line or points."""
DASHES = "-", (0, (4, 1.5)), (0, (1, 1)), (0, (6, 1.5, 1, 1.5)), (0, (3, 1, 1, 1, 1, 1))
TASK: Pen = {"marker": "o", "ms": 5.5, "mew": 0, "ls": "", "color": COLORS[5], "alpha": 0.45}
MEAN: Pen = {"marker": "o", "ms": 7.5, "mew": 1.8, "ls": "", "color": COLORS[0]}
OPEN: Pen = {**MEAN, "mfc": "white"}
DOTS: Pen = {"marker": "o", "ms": 4.5}
SOURCE: Pen = {"marker": "o", "ms": 4.5, "mew": 0, "ls": "", "alpha": 0.7}
TARGET: Pen = {"marker": "^", "ms": 5.5, "mew": 1, "ls": "", "mfc": "none"}
TRIAL: Pen = {"marker": "o", "ms": 6, "mew": 0, "ls": "", "color": COLORS[0], "alpha": 0.75}
PRUNED: Pen = {"marker": "o", "ms": 4.5, "mew": 1, "ls": "", "color": GREY, "mfc": "white"}
BEST: Pen = {"marker": "D", "ms": 8, "mew": 0, "ls": "", "color": COLORS[1]}
RECORD: Pen = {"color": COLORS[1], "lw": 1.2}
SWATCH: Pen = {"marker": "s", "ms": 8, "ls": ""}

STYLE: Any = {
    "font.size": 10.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.axisbelow": True,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "grid.color": PALE,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "svg.hashsalt": "da",
}

styled = rc_context(STYLE)
"""Decorates what draws, so that it draws in this style."""


def figure(height: float) -> Figure:
    """An empty figure, `height` inches tall."""
    return Figure((WIDTH, height), layout=ConstrainedLayoutEngine(w_pad=0.08, h_pad=0.08))


def legend(figure: Figure, entries: dict[str, Pen]) -> None:
    """Above the panels, in one line or in as many columns as fit."""
    widths = [0.6 + 0.085 * max(map(len, name.split("\n"))) for name in entries]
    columns = len(entries) if sum(widths) < WIDTH else max(1, int(WIDTH / max(widths)))
    handles = [Line2D([], [], label=name, **pen) for name, pen in entries.items()]
    figure.legend(handles=handles, loc="outside upper left", ncols=columns)


def pens(names: Iterable[str]) -> dict[str, Pen]:
    """A line for each name: colours, then the same ones dashed; of daggered names grey dashes."""
    colored = cycle({"color": color, "ls": dash} for dash, color in product(DASHES, COLORS))
    greys = cycle({"color": GREY, "ls": dash} for dash in DASHES[1:])
    return {name: next(greys if "†" in name else colored) for name in names}


def scale(panel: Axes, values: Sequence[float]) -> dict[float, float]:
    """Scale and ticks of the horizontal axis for ascending `values`, and the place of each.

    Logarithmic where they span more than a decade. Infinity, `all`, stands beyond the last.
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


def palette(classes: int) -> tuple[str, ...]:
    """A colour for each class, or none where there are more than twelve."""
    palettes = (COLORS, CLASS_COLORS, ())
    return next(p[:classes] for p in palettes if len(p) >= classes or not p)


@styled
def save(figure: Figure, path: Path) -> list[Path]:
    """Write `path`.png, 1600 pixels wide, and `path`.svg; the same figure gives the same bytes."""
    files = []
    for kind, metadata in {"png": None, "svg": {"Date": None}}.items():
        files.append(path.with_name(f"{path.name}.{kind}"))
        with whole(files[-1], "--out") as part:
            figure.savefig(part, format=kind, dpi=1600 / WIDTH, metadata=metadata)
    return files
