"""Settings and options that have been renamed.

The id of a run is a hash over the names that its settings had first. Records and weights of earlier
versions have those names too, and get the names of now where they are read.
"""

import re
from collections.abc import Mapping
from typing import Any

SETTINGS = {
    "look_every": "eval_every",
    "kept": "chosen_by",
    "channels_last": "memory_format",
}
"""Settings of a run: name of now by first name."""

RENAMED = {**SETTINGS, "keep": "save_weights", "choose_by": "chosen_by"}
"""Settings of a run and options of commands: name of now by former name."""

_FIRST = {name: first for first, name in SETTINGS.items()}

_VALUES = {True: "channels_last", False: "contiguous"}
"""Memory formats by the values that `channels_last` had."""

_FIRST_VALUES = {value: first for first, value in _VALUES.items()}


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, as a record of any version stores them, by their names of now."""
    found = {SETTINGS.get(name, name): value for name, value in settings.items()}
    if "channels_last" in settings:
        found["memory_format"] = _other(settings["channels_last"], _VALUES)
    return found


def first_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their first names and values, over which hashes are taken."""
    found = {_FIRST.get(name, name): value for name, value in settings.items()}
    if "memory_format" in settings:
        found["channels_last"] = _other(settings["memory_format"], _FIRST_VALUES)
    return found


def _other(value: Any, names: Mapping[Any, Any]) -> Any:
    """Return what a value is called; a value without another name, or a damaged one, stays."""
    return names.get(value, value) if isinstance(value, bool | str) else value


def explain_former_name(error: TypeError) -> str:
    """Return what a former name, given as an argument, is called now; "" for any other error."""
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    name = found[1] if found else ""
    return f"{name} is called {RENAMED[name]} now" if name in RENAMED else ""
