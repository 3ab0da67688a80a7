"""Settings that have no sense, or none beside others: refused in one line."""

import math
from collections.abc import Mapping


def refuse(contradictions: Mapping[str, bool]) -> None:
    """Raise ValueError with the first of these messages that is true of the settings."""
    for message, contradicts in contradictions.items():
        if contradicts:
            raise ValueError(f"contradictory settings: {message}")


def shares(**settings: float) -> dict[str, bool]:
    """Whether each is no share of a whole, or all of it."""
    return {
        f"{name} is at least 0 and below 1, not {value}": not 0 <= value < 1
        for name, value in settings.items()
    }


def amounts(**settings: float) -> dict[str, bool]:
    """Whether each is below 0 or not finite."""
    return {
        f"{name} is 0 or more and finite, not {value}": not 0 <= value < math.inf
        for name, value in settings.items()
    }
