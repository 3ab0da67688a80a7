"""Ranges in which settings are searched, written in the annotations of their fields."""

from dataclasses import Field, dataclass
from typing import Any

GRID = 5
"""Number of grid points of a continuous range."""


@dataclass(frozen=True)
class Uniform:
    """Floats from `low` to `high`, both included, all equally likely."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def grid(self) -> list[float]:
        """Return evenly spaced points, including both ends."""
        step = (self.high - self.low) / (GRID - 1)
        return [format_value(self.low + i * step) for i in range(GRID)]


@dataclass(frozen=True)
class LogUniform:
    """Floats from `low` to `high`, with all orders of magnitude equally likely.

    Both ends are above 0 and included.
    """

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def grid(self) -> list[float]:
        """Return points with a constant ratio between neighbors, including both ends."""
        ratio = (self.high / self.low) ** (1 / (GRID - 1))
        return [format_value(self.low * ratio**i) for i in range(GRID)]


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included, all equally likely."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return value in range(self.low, self.high + 1)

    def grid(self) -> list[int]:
        """Return all numbers of the range."""
        return list(range(self.low, self.high + 1))


@dataclass(frozen=True, init=False)
class Choice:
    """A few values without an order, for example `Choice(0, 256, 1024)`."""

    values: tuple[bool | int | float | str, ...]

    def __init__(self, *values: bool | int | float | str):
        object.__setattr__(self, "values", values)

    def __contains__(self, value: bool | int | float | str) -> bool:
        return value in self.values

    def grid(self) -> list[bool | int | float | str]:
        """Return all values of the choice."""
        return list(self.values)


Range = Uniform | LogUniform | IntRange | Choice


def find_range(field: Field) -> Range | None:
    """Return the range in the annotation of a dataclass field, or None if there is none."""
    notes = getattr(field.type, "__metadata__", ())
    return next((note for note in notes if isinstance(note, Range)), None)


def format_value(value: Any) -> Any:
    """Round a float to three significant digits, as a person would type it.

    Values of any other type are returned unchanged.
    """
    return float(f"{value:.3g}") if isinstance(value, float) else value
