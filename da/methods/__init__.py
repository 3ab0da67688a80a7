"""All methods, one in each file: those of this package, and your own.

`da.methods.DANN(trade_off=0.5)` are settings of the method whose class is DANN. Methods of your own
are files too, as `da.config.registry` explains. No file is imported before it is needed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from da.config.registry import METHODS
from da.methods._settings import Settings
from da.methods._source import MethodSource, read_method

if TYPE_CHECKING:
    from da.methods.base import Batch as Batch
    from da.methods.base import Losses as Losses
    from da.methods.base import Method as Method
    from da.methods.base import Network as Network
    from da.methods.base import Phase as Phase
    from da.methods.base import Scalar as Scalar

_OF_BASE = "Batch", "Losses", "Method", "Network", "Phase", "Scalar"
"""Names that a method's file imports from here."""

__all__ = [
    "METHODS",
    "Settings",
    "describe_method",
    "settings_class",
    "sort_by_family",
    "without_importing",
    "year_of_paper",
    *_OF_BASE,
]

_READ_ONLY = ContextVar("read_only", default=False)

METHODS.extend_package(__path__)


@contextmanager
def without_importing() -> Iterator[None]:
    """Give settings of methods from their source inside a `with` block, where nothing is trained.

    Such settings are equal to no others: this is for commands that look at records.
    """
    token = _READ_ONLY.set(True)
    try:
        yield
    finally:
        _READ_ONLY.reset(token)


def settings_class(name: str) -> type[Settings]:
    """Return the class of a method's settings.

    Raises:
        ValueError: There is no such method, or its file fails.
    """
    return _describe(name, _READ_ONLY.get()).Hparams


def describe_method(name: str) -> "MethodSource | type[Method]":
    """Return a method's plain attributes, such as `paper`, from its source where that is possible.

    Raises:
        ValueError: There is no such method, or its file fails.
    """
    return _describe(name, True)


def _describe(name: str, read: bool) -> Any:
    return (read and read_method(name)) or METHODS[name]


def sort_by_family(names: Sequence[str]) -> list[str]:
    """Sort methods by family, in the order in which the families' first papers appeared."""
    methods = {name: describe_method(name) for name in names}
    first: dict[str, str] = {}
    for method in methods.values():
        first[method.family] = min(first.get(method.family, "9"), year_of_paper(method.paper))
    return sorted(methods, key=lambda n: (first[methods[n].family], methods[n].family, n))


def year_of_paper(paper: str) -> str:
    """Return the year in `Authors year, where`, or nothing where there is none."""
    words = paper.partition(",")[0].split()
    return next((word for word in words if word.isdigit() and len(word) == 4), "")


def __getattr__(name: str) -> Any:
    """Return the settings of a method by the name of its class, as in `DANN(trade_off=0.5)`."""
    if name in _OF_BASE:
        from da.methods import base

        return getattr(base, name)
    if name[:1] == "_":
        raise AttributeError(name)
    if found := _find_by_class(name):
        return settings_class(found)
    known = ", ".join(_class_names().values())
    raise AttributeError(f"no method {name!r}, known: {known}")


def __dir__() -> list[str]:
    return sorted([*__all__, *_class_names().values()])


def _class_names() -> dict[str, str]:
    return {name: describe_method(name).__name__ for name in METHODS}


def _find_by_class(kind: str) -> str:
    """Return the name of the method whose class has a name; most files have about the same."""
    likely = [name for name in METHODS if name.replace("_", "") == kind.lower()]
    if likely and describe_method(likely[0]).__name__ == kind:
        return likely[0]
    return next((name for name, other in _class_names().items() if other == kind), "")
