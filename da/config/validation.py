"""Checks that refuse settings that make no sense alone or together, with one line of text."""

import math
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args, get_origin, get_type_hints


def refuse(contradictions: Mapping[str, bool]) -> None:
    """Refuse settings that contradict each other.

    Args:
        contradictions: Error messages, each with whether it applies to the settings.

    Raises:
        ValueError: A message applies; the error shows the first one.
    """
    for message, contradicts in contradictions.items():
        if contradicts:
            raise ValueError(f"wrong settings: {message}")


def share_errors(**settings: float) -> dict[str, bool]:
    """Return an error message for each setting, and whether its value is outside [0, 1)."""
    return {
        f"{name} is at least 0 and below 1, not {value}": not 0 <= value < 1
        for name, value in settings.items()
    }


def amount_errors(**settings: float) -> dict[str, bool]:
    """Return an error message for each setting, and whether its value is below 0 or not finite."""
    return {
        f"{name} is 0 or more and finite, not {value}": not 0 <= value < math.inf
        for name, value in settings.items()
    }


def choice_errors(settings: Any) -> dict[str, bool]:
    """Return an error message for each `Literal` field, and whether it has an unknown value.

    Args:
        settings: Dataclass whose fields are checked.
    """
    return {
        f"{name} is one of {', '.join(map(str, known))}, not {getattr(settings, name)!r}": (
            getattr(settings, name) not in known
        )
        for name, known in _known(settings.__class__).items()
    }


@lru_cache
def _known(kind: Any) -> dict[str, tuple[Any, ...]]:
    """Return the known values of each `Literal` field of a dataclass."""
    hints = get_type_hints(kind).items()
    return {name: get_args(hint) for name, hint in hints if get_origin(hint) is Literal}


def is_run_id(text: str) -> bool:
    """Return whether a text has the form of a run's id: 12 hexadecimal digits."""
    return bool(re.fullmatch("[0-9a-f]{12}", text))


def require_run_id(text: object) -> str:
    """Return the id of a run, which names files, after a check that it can name no other file.

    Raises:
        ValueError: Where it is not 12 hexadecimal digits, as every id is.
    """
    if not isinstance(text, str) or not is_run_id(text):
        raise ValueError(f"the id of a run is 12 digits from 0 to f, not {str(text)[:40]!r}")
    return text


MOST_NAMES = 3
"""Largest number of names in a message."""


def shorten_names(names: Iterable[str]) -> str:
    """Shorten a list of names for an error message.

    Return the first names in alphabetical order and how many more there are. Without any names,
    return "none yet".
    """
    every = sorted(names)
    more = f" and {len(every) - MOST_NAMES} more" if len(every) > MOST_NAMES else ""
    return (", ".join(every[:MOST_NAMES]) or "none yet") + more
