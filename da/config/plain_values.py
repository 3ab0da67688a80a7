"""Values of settings as plain Python, so that equal settings are stored and hashed alike."""

from dataclasses import fields
from functools import lru_cache
from numbers import Integral, Real
from typing import Any, Literal, get_args, get_origin, get_type_hints

KINDS = {bool: "True or False", int: "a whole number", float: "a number", str: "text"}
"""Types of settings in words, for error messages."""


def plain_values(settings: Any) -> dict[str, Any]:
    """Return the settings whose values are of another type than their annotation, made plain.

    Numbers of NumPy become those of Python, a float that is whole an int where one is meant, and a
    list a tuple.

    Args:
        settings: Dataclass whose fields are checked.

    Raises:
        ValueError: A value is of the wrong type, such as text or a tensor for a number.
    """
    found = {}
    values = vars(settings)
    for name, kind, entry in _checked(settings.__class__):
        value = values[name]
        if type(value) is kind and (not entry or {*map(type, values[name])} <= {entry}):
            continue
        found[name] = plain = _plain(value, kind, entry)
        if plain is None:
            words = f"a tuple, each entry {KINDS[entry]}" if entry else KINDS[kind]
            raise ValueError(f"wrong settings: {name} is {words}, not {value!r}")
    return found


@lru_cache
def _checked(settings: type) -> list[tuple[str, type, type | None]]:
    """Return the name, the type and the type of the entries of each field that has a plain type."""
    hints = get_type_hints(settings)
    found: list[tuple[str, type, type | None]] = []
    for field in fields(settings):
        hint = hints[field.name]
        hint = str if hint == str | Any else hint  # text, or an object that becomes text
        if get_origin(hint) is tuple:
            found.append((field.name, tuple, get_args(hint)[0]))
        elif hint in KINDS or get_origin(hint) is Literal:
            found.append((field.name, hint if hint in KINDS else str, None))
    return found


def _plain(value: Any, kind: type | None, entry: type | None = None) -> Any:
    """Return `value` as a plain value of type `kind`, or None if it is of no such type."""
    if kind is tuple:
        entries = [_plain(one, entry) for one in value] if isinstance(value, list | tuple) else None
        return None if entries is None or None in entries else tuple(entries)
    if kind is str:
        return str(value) if isinstance(value, str) else None
    if kind is bool or isinstance(value, bool):
        true_or_false = isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")
        return bool(value) if kind is bool and true_or_false else None
    return _plain_number(value, kind)


def _plain_number(value: Any, kind: type | None) -> int | float | None:
    if isinstance(value, Integral):
        return int(value)
    if not isinstance(value, Real):
        return None
    number = float(value)
    if kind is int:
        return int(number) if number.is_integer() else None
    return number
