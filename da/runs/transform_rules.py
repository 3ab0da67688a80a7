"""Rules of the settings of images' views: those that would do nothing are refused."""

from typing import TYPE_CHECKING

from da.config.task_name import TaskName
from da.config.transforms import Transforms

if TYPE_CHECKING:
    from da.runs.run import Run

SCALED = "crop", "crop_flip", "jitter", "strong"
"""Choices of `augment` with a random resized crop."""

_USUAL = Transforms()


def transform_errors(run: "Run") -> dict[str, bool]:
    """Return rules of `run.transforms`, worded for an error message, and whether `run` breaks them.

    Args:
        run: Settings of a run.
    """
    how = run.transforms
    return {
        f"crop_scale is of random resized crops: it needs augment {', '.join(SCALED)}": (
            how.crop_scale != _USUAL.crop_scale and not _scales(run)
        ),
        f"target_crop_scale needs regime full and augment {', '.join(SCALED)}": (
            how.target_crop_scale != () and (run.regime == "frozen" or not _scales(run))
        ),
        f"test_crop is for images, and {run.task} has texts": (
            how.test_crop != "center" and TaskName.parse(run.task).holds_texts
        ),
        "test_crop whole shows all of an image: leave crop_pct at 1": (
            how.test_crop == "whole" and run.crop_pct != 1
        ),
    }


def _scales(run: "Run") -> bool:
    """Return whether training images, or their strong views, are random resized crops."""
    strong = _strengthens(run) and run.augment == "none"
    return not run.method.owner.streams and (run.augment in SCALED or strong)


def _strengthens(run: "Run") -> bool:
    """Return whether a method sees a strong view of images next to the usual one."""
    texts = TaskName.parse(run.task).holds_texts
    return run.method.owner.takes_strong and run.regime == "full" and not texts
