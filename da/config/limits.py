"""Values that settings can have, written in the annotations of their fields."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

LARGEST = sys.float_info.max
"""Largest finite number; whole numbers may be larger still."""


@dataclass(frozen=True)
class Limit:
    """The values that a setting, or each entry of a setting that is a tuple, can have.

    It stands in the annotation of a field, as in `Annotated[float, SHARE]`.
    """

    known: str
    """The values in words, for an error message."""
    holds: Callable[[Any], bool] = field(repr=False)
    """Function from a number to whether it is such a value."""

    def allows(self, value: Any) -> bool:
        """Tell whether a setting can have `value`; False for what is no number."""
        try:
            return all(map(self.holds, value if isinstance(value, tuple) else (value,)))
        except TypeError:
            return False


FINITE = Limit("finite", lambda value: abs(value) <= LARGEST)
"""Any float; the limit of floats that name no other."""

AMOUNT = Limit("0 or more and finite", lambda value: 0 <= value <= LARGEST)
"""Trade-offs, learning rates and other amounts of which there may be none."""

POSITIVE = Limit("above 0 and finite", lambda value: 0 < value <= LARGEST)
"""Temperatures, widths of kernels and other numbers that something is divided by."""

SHARE = Limit("at least 0 and below 1", lambda value: 0 <= value < 1)
"""Dropouts, momentum and other shares of which something must be left."""

UNIT = Limit("from 0 to 1", lambda value: 0 <= value <= 1)
"""Probabilities, and shares that may be all."""

COUNT = Limit("1 or more", lambda value: 1 <= value < 2**63)
"""Whole numbers of which there is at least one, such as widths and steps."""

FEW = Limit("from 1 to 100", lambda value: 1 <= value <= 100)
"""How often a step does something, such as looking at views of an image."""

WHOLE = Limit("0 or more", lambda value: 0 <= value < 2**63)
"""Whole numbers where 0 stands for none, or for all."""

PIXELS = Limit("from 0 to 8192", lambda value: 0 <= value <= 8192)
"""Sides of images, where 0 stands for a usual one; larger images do not fit into memory."""

PART = Limit("above 0 and at most 1", lambda value: 0 < value <= 1)
"""Shares that may be all, but not nothing."""

LEVEL = Limit("from 0 to 30", lambda value: 0 <= value <= 30)
"""Magnitudes of RandAugment's operations."""

SEED = Limit("at least 0 and below 2**64", lambda value: 0 <= value < 2**64)
"""Seeds of random generators."""
