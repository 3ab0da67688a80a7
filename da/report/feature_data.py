"""Feature maps of the page: two coordinates for each test image, by PCA over both domains."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from da.report.outputs import NEEDED, Outputs

MOST_MAPS = 48
"""Runs that have a map on the page; of more, those of the first tasks and seeds have one."""
MOST_POINTS = 250
"""Images of a domain on a map; of more, evenly spaced ones are shown."""
SCALE = 999
"""Largest coordinate: three digits are enough for a figure, and short."""


def describe_maps(runs: Sequence[Outputs], count: int = 0) -> dict[str, Any] | str:
    """Return coordinates of source and target images of each run, or a line on what they need.

    Args:
        runs: Outputs of runs, those of the same task next to each other.
        count: Number of runs that have outputs, if more than these.
    """
    known = [run for run in runs if run.source is not None and run.target is not None]
    if not known:
        return NEEDED
    shown = known[:MOST_MAPS]
    said = "Filled points are source images, open ones are target images. Colors are true classes"
    said += ", predicted ones where the target has no labels."
    if (every := max(count, len(known))) > len(shown):
        said += f" Shown are {len(shown)} of {every} runs with outputs."
    classes = {run.task: run.classes for run in shown}
    return {"maps": [_map(run) for run in shown], "classes": classes, "said": said}


def _map(run: Outputs) -> dict[str, Any]:
    assert run.source is not None
    assert run.target is not None
    s, t = (_spaced(len(x)) for x in (run.source, run.target))
    xy = project(np.concatenate([run.source[s], run.target[t]]))
    y_t = run.target_y if (run.target_y >= 0).all() else run.predicted
    return {
        "row": run.row,
        "task": run.task,
        "seed": run.seed,
        "source": _side(xy[: len(s)], run.source_y[s]),
        "target": _side(xy[len(s) :], y_t[t]),
    }


def _spaced(count: int) -> Int[np.ndarray, "_"]:
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).astype(int))


def _side(xy: Float[np.ndarray, "b 2"], y: Int[np.ndarray, "b"]) -> dict[str, list[int]]:
    places = np.rint(xy * SCALE).astype(int)
    return {"x0": places[:, 0].tolist(), "x1": places[:, 1].tolist(), "y": y.tolist()}


def project(x: Float[np.ndarray, "b d"]) -> Float[np.ndarray, "b 2"]:
    """Return the two principal components of each row, divided by the largest of all numbers.

    The largest entry of either direction is positive, so that maps do not flip by chance.
    """
    centered = x.astype(np.float64) - x.mean(0)
    _, _, directions = np.linalg.svd(centered, full_matrices=False)
    two = np.zeros((2, x.shape[1]))
    two[: len(directions)] = directions[:2]
    largest = np.take_along_axis(two, np.abs(two).argmax(1)[:, None], 1)
    xy = centered @ (two * np.where(largest < 0, -1, 1)).T
    return xy / (np.abs(xy).max() or 1)
