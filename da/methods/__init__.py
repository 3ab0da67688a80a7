"""All methods, one in each file: those of this package, and your own.

The environment variable `DA_METHODS` names folders with your methods. Each NAME.py in such a folder
is the method NAME, as if it were in this package. A file whose name begins with an underscore is no
method, and holds code that several methods share.
"""

import os
import sys
import time
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import get_args

from da.methods._registry import METHODS, Family
from da.methods.base import Batch, Losses, Method, Network, Phase, Scalar

__all__ = ["METHODS", "OWN", "Batch", "Losses", "Method", "Network", "Phase", "Scalar", "load"]

LOADED = time.time()
"""Time at which this process begins to read the code of the methods, in seconds."""

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")

OWN = tuple(METHODS)
"""Names of the methods of this package."""


def __getattr__(name: str) -> type[Method.Hparams]:
    """Return the settings of a method by the name of its class, as in `DANN(trade_off=0.5)`."""
    for method in METHODS.values():
        if method.__name__ == name:
            return method.Hparams
    known = ", ".join(method.__name__ for method in METHODS.values())
    raise AttributeError(f"no method {name!r}, known: {known}")


def __dir__() -> list[str]:
    return sorted([*globals(), *(method.__name__ for method in METHODS.values())])


def load(folder: Path) -> None:
    """Import the methods in a user's folder.

    Raises:
        ValueError: The folder does not exist, or a file in it is no usable method. The message
            names the folder or the file.
    """
    if not folder.is_dir():
        raise ValueError(f"no folder {folder}, which DA_METHODS names")
    for file in sorted(folder.glob("_*.py")):
        if find_spec(f"{__name__}.{file.stem}"):
            raise ValueError(
                f"{file}: the name {file.stem} stands already: call the file otherwise"
            )
    __path__.append(str(folder.resolve()))  # other processes import the files by name
    for file in sorted(folder.glob("[!_]*.py")):
        _load(file)


def _load(file: Path) -> None:
    name = file.stem
    if f"{__name__}.{name}" in sys.modules:
        raise ValueError(f"{file}: the name {name} stands already, known: {', '.join(METHODS)}")
    try:
        import_module(f"{__name__}.{name}")
    except Exception as error:
        raise ValueError(f"{file} fails: {type(error).__name__}: {error}") from error
    if name not in METHODS:
        raise ValueError(f"{file} has no method: a subclass of Method that names its paper")
    method = METHODS[name]
    if not method.__doc__:
        raise ValueError(f"{file}: {method.__name__} has no docstring")
    if getattr(method, "family", "") not in get_args(Family):
        families = ", ".join(get_args(Family))
        raise ValueError(f"{file}: {method.__name__} has no known family: {families}")


for _folder in filter(None, os.environ.get("DA_METHODS", "").split(os.pathsep)):
    load(Path(_folder))
