"""A check that a method has seen all images it needs before it trains or maps."""

from collections.abc import Callable
from functools import wraps
from typing import Any

LOOKS = "prepare", "prepare_target"
"""Functions that look at all images."""
FINDS = "find", "find_by_class"
"""Functions that do so for maps, given features."""
USES = "forward", "map_source", "map_target"
"""Functions that need what was seen."""


def require_preparation(kind: type, base: type) -> None:
    """Make methods of class `kind` raise ValueError where they are used before they are prepared.

    This is for classes that override `prepare` or `prepare_target` of their `base` class.
    """
    looks = [name for name in LOOKS if getattr(kind, name) is not getattr(base, name)]
    for name in {*LOOKS, *FINDS} & vars(kind).keys():
        setattr(kind, name, _note(vars(kind)[name]))
    for name in set(USES) & vars(kind).keys() if looks else ():
        setattr(kind, name, _check(vars(kind)[name], looks[0]))


def _note(look: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(look)
    def noted(self: Any, *images: Any, **named: Any) -> Any:
        seen = look(self, *images, **named)
        self.prepared = True
        return seen

    return noted


def _check(use: Callable[..., Any], look: str) -> Callable[..., Any]:
    images = "source, target" if look == "prepare" else "target"

    @wraps(use)
    def checked(self: Any, *given: Any, **named: Any) -> Any:
        if not self.prepared:
            raise ValueError(f"{self.name} has seen no images yet: call {look}({images}) first")
        return use(self, *given, **named)

    return checked
