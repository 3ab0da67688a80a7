"""Checks that refuse settings that make no sense alone or together, with one line of text."""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeGuard, get_args, get_origin, get_type_hints

from da.config.choices import BEGINNINGS
from da.config.limits import FINITE, Limit
from da.system.content_files import is_file_name


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


def limit_errors(settings: Any) -> dict[str, bool]:
    """Return an error message, with True, for each field whose value is outside its limit.

    The limit is in the field's annotation; a float without one must be finite.

    Args:
        settings: Dataclass whose fields are checked.
    """
    found = {}
    for name, limit in _limits(settings.__class__):
        if not limit.allows(value := getattr(settings, name)):
            what = f"each of {name}" if isinstance(value, tuple) else name
            found[f"{what} is {limit.known}, not {shorten_text(value)}"] = True
    return found


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


@lru_cache
def _limits(kind: Any) -> list[tuple[str, Limit]]:
    """Return the limit of each field of a dataclass that has one."""
    hints = get_type_hints(kind, include_extras=True)
    found = [(field.name, _limit(hints[field.name])) for field in fields(kind)]
    return [(name, limit) for name, limit in found if limit]


def _limit(hint: Any) -> Limit | None:
    notes = (note for note in getattr(hint, "__metadata__", ()) if isinstance(note, Limit))
    plain = hint.__origin__ if get_origin(hint) is Annotated else hint
    return next(notes, FINITE if plain in (float, tuple[float, ...]) else None)


def shorten_text(value: Any, most: int = 60) -> str:
    """Return `value` as text of at most `most` characters, for an error message."""
    text = str(value)
    return text if len(text) <= most else f"{text[: most - 3]}..."


def find_control(text: str) -> str:
    """Return the first character of a text that no line of UTF-8 can show; "" if it has none."""
    if text.isprintable():  # fast, and false for some spaces and joiners too
        return ""
    return next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp")), "")


def is_run_id(text: object) -> TypeGuard[str]:
    """Return whether something has the form of a run's id: 12 hexadecimal digits."""
    return isinstance(text, str) and bool(re.fullmatch("[0-9a-f]{12}", text))


def plain_name(name: str) -> str:
    """Return the letters and digits of a name, in lower case: `Real_World` is `Real World`."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def likely_names(name: str, names: Iterable[str]) -> list[str]:
    """Return the known names that a wrong one may mean, or all where it is like none of them."""
    plain = {plain_name(known): known for known in names}
    near = difflib.get_close_matches(plain_name(name), plain, 3, 0.8)
    return [plain[each] for each in near] or [*plain.values()]


def is_beginning(init: object) -> bool:
    """Return whether weights begin as no finished run: pretrained, random, or a file's."""
    return init in BEGINNINGS or is_file_name(init)


def require_run_id(text: object) -> str:
    """Return the id of a run, which names files, after a check that it can name no other file.

    Raises:
        ValueError: Where it is not 12 hexadecimal digits, as every id is.
    """
    if not is_run_id(text):
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
