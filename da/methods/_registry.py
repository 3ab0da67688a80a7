"""All methods by name, and the kinds that they are of."""

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from da.methods.base import Method


class _ByName(dict[str, type["Method"]]):
    """Methods by name. An unknown name raises ValueError with the known ones."""

    def __missing__(self, name: str) -> type["Method"]:
        raise ValueError(f"unknown method {name!r}, known: {', '.join(self)}")


METHODS = _ByName()
"""All classes that set `paper`, each under the name of its file."""

Family = Literal[
    "baseline",
    "mapping",
    "discrepancy",
    "adversarial",
    "entropy",
    "norm",
    "self-training",
    "optimal transport",
    "source-free",
    "test-time",
    "combination",
    "distillation",
    "peer",
]
"""Kinds of adaptation, in the order in which `da list methods` shows them."""
