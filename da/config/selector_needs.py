"""What a selector says that it needs, read from its file without importing it."""

from da.config.registry import SELECTORS

USUAL = "logits", "source"
"""Needs of a selector whose file says nothing of them."""


def read_needs(name: str) -> tuple[str, ...]:
    """Return what the file of a selector says that it needs."""
    return tuple(SELECTORS.constants(name).get("NEEDS", USUAL))
