"""Errors of plug-ins as one line with file and line, while a command or a run uses them."""

from contextlib import suppress
from pathlib import Path
from traceback import walk_tb

from da.config.registry import REGISTRIES, ROOT

OURS = ValueError, OSError, ArithmeticError, MemoryError
"""Errors that say enough where our own code raises them, also if a plug-in called it."""


class PlugInError(RuntimeError):
    """An error of the user's own code; the message has its file and line."""


def explain_plug_in(error: BaseException) -> Exception | None:
    """Return an error that says where a plug-in failed; None where the error is of other code.

    Mistakes in what the user gave stay ValueErrors.
    """
    places, place, inside = _places(), "", False
    for frame, line in walk_tb(error.__traceback__):
        file = Path(frame.f_code.co_filename)
        if not places.isdisjoint((file, *file.parents)):
            place, inside = f"{file}, line {line}", True
        elif ROOT in file.parents:
            inside = False
    if not place or (isinstance(error, OURS) and not inside):
        return None
    kind = ValueError if isinstance(error, (ValueError, OSError)) else PlugInError
    return kind(f"{place}: {type(error).__name__}: {error}".removesuffix(": "))


def _places() -> set[Path]:
    """Return the folders with plug-ins outside this package, and those that are one file."""
    found: set[Path] = set()
    for registry in REGISTRIES:
        with suppress(ValueError):
            found |= {folder.resolve() for folder in registry.user_folders()}
            installed = [plug_in for plug_in in registry.plug_ins().values() if not plug_in.own]
            found |= {p.file.parent if "." in p.module else p.file for p in installed}
    return found
