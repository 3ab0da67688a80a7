"""Backbones of runs that are a user's modules; loads no torch where there are none."""

import sys
from typing import Any


def name_backbone(given: Any, side: int, name: str = "") -> Any:
    """Return the name of a user's module, which is kept; anything else as it is.

    A module from another process keeps the `name` that it has there: a class of the script that is
    running is of another module here.

    Args:
        given: Name or module.
        side: Width of its images, in pixels; 0 to try usual ones.
        name: Name that it has in another process; empty for a new one.
    """
    torch = sys.modules.get("torch")
    if not torch or not isinstance(given, torch.nn.Module):
        return given
    from da.models.own_backbone import register_backbone

    return register_backbone(given, side, name)


def find_module(name: str) -> Any:
    """Return the user's module of that name, or None for another backbone."""
    own = sys.modules.get("da.models.own_backbone")
    return own.find_backbone(name) if own else None
