"""Names and limits of the axes of plots. This module does not import torch."""

from collections.abc import Mapping
from math import inf
from typing import Any

import numpy as np

from da.config.registry import SELECTORS

ACCURACY = "target accuracy"


def name_axis(key: str, what: str = ACCURACY) -> str:
    """Return the name and unit of a measured quantity, for an axis.

    Args:
        key: Its key in an evaluation.
        what: What the target accuracy is, as `show_metric` makes it.
    """
    if key == "target_accuracy":
        return f"{what}, %"
    return _about_scores(key).get("AXIS", key.replace("_", " "))


def name_accuracy(chosen_by: str, what: str = ACCURACY) -> str:
    """Return the label of an axis of target accuracy, or of `what` it is."""
    how = {
        "last": "at the last step",
        "oracle": "at the step where it is highest",
        "few_shot": "chosen by few_shot ‡",
    }
    return f"{what}, %, {how.get(chosen_by, f'chosen by {chosen_by}')}"


def bounds(key: str, middle: Any, spread: Any) -> tuple[Any, Any]:
    """Return `middle` minus and plus `spread`, limited to values that are possible."""
    percent = key == "target_accuracy"
    lowest, highest = (0, 100) if percent else _about_scores(key).get("RANGE", (None, None))
    low = -inf if lowest is None else lowest
    high = inf if highest is None else highest
    return np.maximum(middle - spread, low), np.minimum(middle + spread, high)


def _about_scores(key: str) -> Mapping[str, Any]:
    """Return what the file of a selector says about its scores; others say nothing."""
    if key == "few_shot":
        return {"AXIS": "accuracy on three images a class ‡, %", "RANGE": (0, 100)}
    return SELECTORS.constants(key) if key in SELECTORS else {}
