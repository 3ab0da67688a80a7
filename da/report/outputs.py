"""Outputs of a run for its test images, as arrays. This module does not import torch."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

NEEDED = (
    "This needs outputs of runs, which da train and da sweep keep in the folder of the records. "
    "None of these runs are here."
)
"""What the page says where there are none."""


@dataclass(frozen=True)
class Outputs:
    """What a run makes of test images at its last evaluation."""

    row: int
    """Place of its row in the table."""
    task: int
    """Place of its task in the table."""
    seed: Any
    predicted: Int[np.ndarray, "m"]
    """Predicted class of each target image."""
    target_y: Int[np.ndarray, "m"]
    """Class of each target image; -1 where they have no labels."""
    source_y: Int[np.ndarray, "n"]
    classes: tuple[str, ...]
    source: Float[np.ndarray, "n d"] | None = None
    """Features of source images, if they were kept."""
    target: Float[np.ndarray, "m d"] | None = None
    """Features of target images, if they were kept."""
