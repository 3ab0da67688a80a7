"""A figure of what choosers reach."""

from collections.abc import Sequence

from da.results.plots import style
from da.selection.study import Verdict
from da.system.extras import extra

with extra("plot", "a plot"):
    from matplotlib.figure import Figure


@style.with_style
def plot_study(frame: Sequence[Verdict], verdicts: Sequence[Verdict]) -> Figure:
    """Plot the mean of each chooser's picks with its interval, and its worst pick.

    The best chooser is on top. Lines mark what choosers are measured by.

    Args:
        frame: What choosers are measured by.
        verdicts: What the choosers reach.
    """
    ranked = sorted(verdicts, key=lambda verdict: verdict.mean)
    figure = style.new_figure(1.4 + 0.32 * len(ranked))
    panel = figure.subplots()
    pens: dict[str, style.Pen] = {}
    for verdict, dash in zip(frame, style.DASHES, strict=False):
        pens[verdict.title] = {"color": style.GRAY, "ls": dash, "lw": 1.2}
        panel.axvline(verdict.mean, **pens[verdict.title], zorder=1)
    for y, verdict in enumerate(ranked):
        low, high = verdict.interval
        panel.plot([verdict.worst, verdict.mean], [y, y], color=style.PALE, lw=3, zorder=1)
        panel.plot([low, high], [y, y], color=style.COLORS[0], lw=2.4)
        panel.plot(verdict.mean, y, **style.MEAN)
        panel.plot(verdict.worst, y, **style.BEST | {"ms": 6})
        right = panel.get_yaxis_transform()
        number = f"{verdict.mean:.1f}"
        panel.text(1.01, y, number, transform=right, va="center_baseline", color=style.INK)
    panel.set_yticks(range(len(ranked)), [verdict.title for verdict in ranked])
    panel.set_ylim(-0.6, len(ranked) - 0.4)
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid()
    panel.set_xlabel("target accuracy of what is chosen, %")
    shown = {"mean of picks, 95 %": style.MEAN | {"ls": "-"}, "worst pick": style.BEST | {"ms": 6}}
    style.add_legend(figure, shown | pens)
    return figure
