"""A figure of features, with two coordinates per image. This module does not import torch."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from da.results.plots import style
from da.results.plots.style import Pen
from da.system.extras import extra

with extra("plot", "a map of features"):
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]


@style.with_style
def plot_feature_map(
    title: str,
    before: tuple[Float[np.ndarray, "n d"], Float[np.ndarray, "m d"]],
    after: tuple[Float[np.ndarray, "n e"], Float[np.ndarray, "m e"]],
    y_s: Int[np.ndarray, "n"],
    y_t: Int[np.ndarray, "m"],
    classes: Sequence[str],
    *,
    points: int = 500,
) -> Figure:
    """Plot features of source and target, before and after adaptation, by PCA and by t-SNE.

    A map is fitted to both domains at once. Classes differ in color, and with more than seven
    classes also in shape. With more than 21, only the domains differ.

    Args:
        title: Title of the figure.
        before: Features of source and target without adaptation.
        after: Features of source and target with adaptation.
        y_s: Classes of the source images.
        y_t: Classes of the target images, which may be predicted.
        classes: Names of the classes.
        points: Largest number of images of each domain to draw, always the same ones.
    """
    draw = np.random.default_rng(0)
    s, t = (np.sort(draw.permutation(len(y))[:points]) for y in (y_s, y_t))
    paint = style.class_colors(len(classes))
    figure = style.new_figure(10.5)
    panels = figure.subplots(2, 2).T
    for column, when, (f_s, f_t) in zip(panels, ("before", "after"), (before, after), strict=True):
        maps = _maps(np.concatenate([f_s[s], f_t[t]]))
        for panel, (kind, xy) in zip(column, maps.items(), strict=True):
            panel.set_title(f"{kind}, {when} adaptation")
            panel.set(xticks=[], yticks=[])
            panel.spines[:].set(visible=True, color=style.PALE)
            _cloud(panel, xy[len(s) :], y_t[t], paint, style.TARGET | {"color": style.COLORS[1]})
            _cloud(panel, xy[: len(s)], y_s[s], paint, style.SOURCE | {"color": style.COLORS[0]})
    style.add_legend(figure, _domains(classes, paint), title)
    return figure


def _maps(x: Float[np.ndarray, "b d"]) -> dict[str, Float[np.ndarray, "b 2"]]:
    """Compute two coordinates of each image, by PCA and by t-SNE."""
    near = min(30, (len(x) - 1) / 3)
    with threadpool_limits(1):
        return {
            "PCA": PCA(2, random_state=0).fit_transform(x),
            "t-SNE": TSNE(2, perplexity=near, init="pca", random_state=0).fit_transform(x),
        }


def _cloud(panel: Axes, xy: np.ndarray, y: np.ndarray, paint: Sequence[Pen], pen: Pen) -> None:
    if not paint:
        panel.plot(*xy.T, **pen)
    for label, own in enumerate(paint):
        panel.plot(*xy[y == label].T, **pen | own)


def _domains(classes: Sequence[str], paint: Sequence[Pen]) -> dict[str, Pen]:
    """Return the legend of shapes and colors."""
    domains = {"source": style.SOURCE, "target": style.TARGET}
    if not paint:
        colors = zip(domains.items(), style.COLORS, strict=False)
        return {name: pen | {"color": color} for (name, pen), color in colors}
    gray = {name: pen | paint[0] | {"color": style.GRAY} for name, pen in domains.items()}
    named = zip(classes, paint, strict=True)
    return gray | {name: style.SWATCH | own for name, own in named}
