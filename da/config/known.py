"""How a message names what it knows of that is too much to name in full. No torch."""

from collections.abc import Iterable

MOST = 3
"""Names that stand in a message."""


def some(names: Iterable[str]) -> str:
    """The first of `names` in order, and how many more there are; "none yet" of none."""
    every = sorted(names)
    more = f" and {len(every) - MOST} more" if len(every) > MOST else ""
    return (", ".join(every[:MOST]) or "none yet") + more
