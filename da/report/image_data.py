"""Images of the page whose predicted class has changed with adaptation."""

import base64
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from da.report.outputs import NEEDED, Outputs

MOST_IMAGES = 150
"""Images on the page; of more, those are shown that most rows have changed."""
SIDE = 72
"""Longer side of an image on the page, in pixels."""

Take = Callable[[int, Sequence[int]], "UInt8[np.ndarray, 'b h w c'] | None"]
"""Function from a task and places to target test images, or None where they are not here."""


def describe_changes(runs: Sequence[Outputs], baseline: int, take: Take) -> dict[str, Any] | str:
    """Return images that a run classifies in another way than the baseline does.

    The first task is shown whose images are here and of which the baseline has outputs.

    Args:
        runs: Outputs of runs.
        baseline: Row without adaptation; -1 if there is none.
        take: Function that gives images.

    Returns:
        Images with their classes, or a line on what is needed.
    """
    if not runs:
        return NEEDED
    for before in (run for run in runs if run.row == baseline):
        others = [run for run in _firsts(runs) if _is_comparable(run, before)]
        found = _changed(others, before)
        pictures = take(before.task, found.tolist()) if others and len(found) else None
        if pictures is not None:
            return _describe(before, others, found, pictures)
    return (
        "This needs the images on this machine, and outputs of source_only and another row on the "
        "same task; its images must be pictures with labels."
    )


def _firsts(runs: Sequence[Outputs]) -> list[Outputs]:
    """Return the first run of each row and task."""
    return [*{(run.row, run.task): run for run in reversed(runs)}.values()][::-1]


def _is_comparable(run: Outputs, before: Outputs) -> bool:
    """Return whether a run has outputs for the same labeled images as the baseline."""
    if run.task != before.task or run.row == before.row:
        return False
    return np.array_equal(run.target_y, before.target_y) and bool((run.target_y >= 0).all())


def _changed(runs: Sequence[Outputs], before: Outputs) -> Int[np.ndarray, "_"]:
    """Return places of the images that most runs have changed, in ascending order."""
    counts = sum(
        ((run.predicted != before.predicted).astype(int) for run in runs),
        np.zeros(len(before.predicted), int),
    )
    order = np.argsort(-counts, kind="stable")[:MOST_IMAGES]
    return np.sort(order[counts[order] > 0])


def _describe(
    before: Outputs,
    others: Sequence[Outputs],
    places: Int[np.ndarray, "_"],
    pictures: UInt8[np.ndarray, "b h w c"],
) -> dict[str, Any]:
    total = len(before.predicted)
    return {
        "task": before.task,
        "classes": before.classes,
        "places": places.tolist(),
        "images": [encode(picture) for picture in pictures],
        "y": before.target_y[places].tolist(),
        "before": before.predicted[places].tolist(),
        "runs": [{"row": r.row, "after": r.predicted[places].tolist()} for r in others],
        "said": f"{len(places)} of {total} test images, seed {before.seed}, at the last "
        "evaluation: the true class, then the prediction of source_only, then that of the row.",
    }


def encode(picture: UInt8[np.ndarray, "h w c"]) -> str:
    """Return a picture as a small JPEG in Base64."""
    image = Image.fromarray(picture.repeat(3, 2) if picture.shape[2] == 1 else picture)
    image.thumbnail((SIDE, SIDE))
    file = BytesIO()
    image.save(file, "JPEG", quality=80)
    return base64.b64encode(file.getvalue()).decode()
