"""Ranges in which settings are searched, written beside the fields that they are for."""

from dataclasses import Field, dataclass
from typing import Any

GRID = 5
"""Points of a continuous range in a grid."""


@dataclass(frozen=True)
class Uniform:
    """Floats from `low` to `high`, both included, each as likely."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def grid(self) -> list[float]:
        """Evenly spaced points, both ends among them."""
        step = (self.high - self.low) / (GRID - 1)
        return [format_value(self.low + i * step) for i in range(GRID)]


@dataclass(frozen=True)
class LogUniform:
    """Floats from `low` to `high`, both above 0 and included, each order of magnitude as likely."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def grid(self) -> list[float]:
        """Points of which each is the same multiple of the last, both ends among them."""
        ratio = (self.high / self.low) ** (1 / (GRID - 1))
        return [format_value(self.low * ratio**i) for i in range(GRID)]


@dataclass(frozen=True)
class IntRange:
    """Whole numbers from `low` to `high`, both included, each as likely."""

    low: int
    high: int

    def __contains__(self, value: int) -> bool:
        return value in range(self.low, self.high + 1)

    def grid(self) -> list[int]:
        """All of them."""
        return list(range(self.low, self.high + 1))


@dataclass(frozen=True, init=False)
class Choice:
    """A few values, without an order: `Choice(0, 256, 1024)`."""

    values: tuple[bool | int | float | str, ...]

    def __init__(self, *values: bool | int | float | str):
        object.__setattr__(self, "values", values)

    def __contains__(self, value: bool | int | float | str) -> bool:
        return value in self.values

    def grid(self) -> list[bool | int | float | str]:
        """All of them."""
        return list(self.values)


Range = Uniform | LogUniform | IntRange | Choice


def find_range(field: Field) -> Range | None:
    """The range that stands in the annotation of a dataclass's field, if one does."""
    notes = getattr(field.type, "__metadata__", ())
    return next((note for note in notes if isinstance(note, Range)), None)


def format_value(value: Any) -> Any:
    """A float to three digits, as one would type it; anything else as it is."""
    return float(f"{value:.3g}") if isinstance(value, float) else value
