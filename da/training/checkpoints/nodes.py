"""What the state of Python objects is made of: kinds of values, and what objects hold.

A node of JSON is None for what stayed as it was built, or a list that begins with the kind of a
value.
"""

import random
import sys
from collections import OrderedDict, defaultdict, deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Node = list[Any] | None
"""State of a value, as JSON; None where it stays as it was built."""

MISSING = object()
"""In place of a value that was not there when the objects were built."""

PLAIN = bool, int, float, str
"""Values that JSON holds, next to None."""

SEQUENCES: dict[str, Any] = {k.__name__: k for k in (list, tuple, deque, set, torch.Size)}
MAPPINGS: dict[str, Any] = {k.__name__: k for k in (dict, OrderedDict, defaultdict)}
CONTAINERS = list, tuple, deque, set, dict
"""Kinds of values whose content is looked at; changed ones are of a kind in the tables above."""

RANDOM = torch.Generator, random.Random, np.random.Generator, np.random.RandomState


class UnsavableError(TypeError):
    """A value that cannot be stored; the message names it."""


def inside(value: Any) -> dict[Any, Any] | list[Any] | None:
    """Return a copy of what an object or a container holds; None where it is neither."""
    if isinstance(value, CONTAINERS):
        return dict(value) if isinstance(value, dict) else list(value)
    return dict(attributes(value)) if is_object(value) else None


def is_object(value: Any) -> bool:
    """Return whether a value is an object whose attributes may change, and no function or class."""
    standard = type(value).__module__.partition(".")[0] in sys.stdlib_module_names
    fixed = isinstance(value, (type, Tensor, np.ndarray, *RANDOM)) or is_frozen(value)
    return hasattr(value, "__dict__") and not standard and not fixed


def is_frozen(value: Any) -> bool:
    """Return whether a value is a dataclass that does not change."""
    options = getattr(type(value), "__dataclass_params__", None)
    return options is not None and options.frozen


def is_hooks(owner: Any, name: str) -> bool:
    """Return whether an attribute holds the hooks of a module."""
    return isinstance(owner, nn.Module) and "hook" in name


def attributes(value: Any) -> Iterator[tuple[str, Any]]:
    """Yield the attributes of an object; hooks of a module have numbers that are not the same."""
    for name, held in vars(value).items():
        yield name, list(held.values()) if is_hooks(value, name) and held else held


def plain_stride(x: Tensor) -> tuple[int, ...]:
    """Return the strides of a contiguous tensor of the same shape."""
    return torch.empty(x.shape, device="meta").stride()
