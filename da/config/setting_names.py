"""Settings and options that have been renamed.

The id of a run is a hash over the names that its settings had first. Records and weights of earlier
versions have those names too, and get the names of now where they are read.
"""

import re
from collections.abc import Mapping
from typing import Any

SETTINGS = {"look_every": "eval_every", "kept": "chosen_by"}
"""Settings of a run: name of now by first name."""

RENAMED = {**SETTINGS, "keep": "save_weights", "choose_by": "chosen_by"}
"""Settings of a run and options of commands: name of now by former name."""

_FIRST = {name: first for first, name in SETTINGS.items()}


def current_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings, as a record of any version stores them, by their names of now."""
    return {SETTINGS.get(name, name): value for name, value in settings.items()}


def first_names(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their first names, over which hashes are taken."""
    return {_FIRST.get(name, name): value for name, value in settings.items()}


def explain_former_name(error: TypeError) -> str:
    """Return what a former name, given as an argument, is called now; "" for any other error."""
    found = re.search(r"unexpected keyword argument '(\w+)'", str(error))
    name = found[1] if found else ""
    return f"{name} is called {RENAMED[name]} now" if name in RENAMED else ""
