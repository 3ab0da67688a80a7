"""Settings that have no sense, or none beside others: refused in one line."""

import math
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints


def refuse(contradictions: Mapping[str, bool]) -> None:
    """Raise ValueError with the first of these messages that is true of the settings."""
    for message, contradicts in contradictions.items():
        if contradicts:
            raise ValueError(f"contradictory settings: {message}")


def share_errors(**settings: float) -> dict[str, bool]:
    """Whether each is no share of a whole, or all of it."""
    return {
        f"{name} is at least 0 and below 1, not {value}": not 0 <= value < 1
        for name, value in settings.items()
    }


def amount_errors(**settings: float) -> dict[str, bool]:
    """Whether each is below 0 or not finite."""
    return {
        f"{name} is 0 or more and finite, not {value}": not 0 <= value < math.inf
        for name, value in settings.items()
    }


def choice_errors(settings: Any) -> dict[str, bool]:
    """Whether each field of a few known values has another."""
    return {
        f"{name} is one of {', '.join(map(str, known))}, not {getattr(settings, name)!r}": (
            getattr(settings, name) not in known
        )
        for name, known in _known(settings.__class__).items()
    }


@lru_cache
def _known(kind: Any) -> dict[str, tuple[Any, ...]]:
    hints = get_type_hints(kind).items()
    return {name: get_args(hint) for name, hint in hints if get_origin(hint) is Literal}


MOST_NAMES = 3
"""Names that stand in a message."""


def shorten_names(names: Iterable[str]) -> str:
    """The first of `names` in order, and how many more there are; "none yet" of none."""
    every = sorted(names)
    more = f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
    return (", ".join(every[:MOST_NAMES]) or "none yet") + more
