"""Rules of the settings of images' views: those that would do nothing are refused."""

from dataclasses import fields
from typing import TYPE_CHECKING

from da.config.task_name import TaskName
from da.config.transforms import Transforms

if TYPE_CHECKING:
    from da.runs.run import Run

SCALED = "crop", "crop_flip", "jitter", "strong"
"""Choices of `augment` with a random resized crop."""

RECOLORED = "crop_flip", "random_crop_flip", "center_crop_flip", "flip"
"""Choices of `augment` after which colors can change."""

STRONG = [f.name for f in fields(Transforms) if f.name.startswith("strong_")] + ["cutout"]
"""Settings of strong views."""

_USUAL = Transforms()


def transform_errors(run: "Run") -> dict[str, bool]:
    """Return rules of `run.transforms` in words of an error, and whether `run` breaks each.

    Args:
        run: Settings of a run.
    """
    how = run.transforms
    names = ", ".join(_changed(how, STRONG))
    return {
        f"crop_scale is of random resized crops: it needs augment {', '.join(SCALED)}": (
            how.crop_scale != _USUAL.crop_scale and not _scales(run)
        ),
        f"target_crop_scale needs regime full and augment {', '.join(SCALED)}": (
            how.target_crop_scale != () and (run.regime == "frozen" or not _scales(run))
        ),
        f"{names} needs augment strong, or a method with a strong view in regime full, such as "
        "fixmatch": names != "" and not (run.augment == "strong" or _strengthens(run)),
        f"color_jitter and grayscale need augment {', '.join(RECOLORED)}": (
            bool(how.color_jitter or how.grayscale) and run.augment not in RECOLORED
        ),
        "plain_target needs an augment, and a method with a strong view in regime full, such as "
        "mean_teacher": how.plain_target and (run.augment == "none" or not _strengthens(run)),
        f"test_crop is for images, and {run.task} has texts": (
            how.test_crop != "center" and TaskName.parse(run.task).holds_texts
        ),
        "test_crop whole shows all of an image: leave crop_pct at 1": (
            how.test_crop == "whole" and run.crop_pct != 1
        ),
        **(_ten_crop_errors(run) if how.test_crop == "ten_crop" else {}),
    }


def _ten_crop_errors(run: "Run") -> dict[str, bool]:
    """Return rules of runs whose predictions are means over ten crops of a test image."""
    name, method = TaskName.parse(run.task), run.method.owner
    return {
        "test_crop ten_crop needs regime full; frozen features are of the middle": (
            run.regime == "frozen"
        ),
        f"test_crop ten_crop is for tests after training, and {run.task} has a stream": (
            name.stream is not None
        ),
        f"test_crop ten_crop is for tests after training, and {method.name} sees each image once": (
            method.streams
        ),
        f"test_crop ten_crop averages classes that {run.task} shares: it rejects no unknown": (
            name.has_unknown
        ),
        "test_crop ten_crop averages the class alone, and no label_columns": bool(
            run.labels.further
        ),
    }


def _changed(how: Transforms, names: list[str]) -> list[str]:
    """Return those of some settings that are not the usual ones."""
    return [name for name in names if getattr(how, name) != getattr(_USUAL, name)]


def _scales(run: "Run") -> bool:
    """Return whether training images, or their strong views, are random resized crops."""
    strong = _strengthens(run) and run.augment == "none"
    return not run.method.owner.streams and (run.augment in SCALED or strong)


def _strengthens(run: "Run") -> bool:
    """Return whether a method sees a strong view of images next to the usual one."""
    texts = TaskName.parse(run.task).holds_texts
    return run.method.owner.takes_strong and run.regime == "full" and not texts
