"""Turn Python objects into nodes of JSON, and tensors that these refer to."""

import random
from dataclasses import fields
from io import IOBase
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from da.training.checkpoints.nodes import (
    CONTAINERS,
    MAPPINGS,
    MISSING,
    PLAIN,
    RANDOM,
    SEQUENCES,
    Node,
    UnsavableError,
    attributes,
    is_frozen,
    is_object,
    plain_stride,
)


class Writer:
    """Turns values into nodes, and collects tensors by the keys that nodes have.

    Args:
        held: What objects and containers held when they were built: these, and copies of their
            content, by the id of each.
    """

    def __init__(self, held: dict[int, tuple[Any, Any]]):
        self.held = held
        self.tensors: dict[str, Tensor] = {}
        self.keys: dict[int, str] = {}
        self.seen: dict[int, Any] = {}
        self.memory: dict[int, list[tuple[range, str]]] = {}

    def node(self, value: Any, built: Any, path: str) -> Node:
        """Return the node of a value that was `built`; `path` names it in errors."""
        kind = type(value)
        if isinstance(value, Tensor):
            return self._tensor(value, path)
        if value is None or kind in PLAIN:
            same = value is built or (kind is type(built) and value == built)
            return None if same else ["plain", value]
        if isinstance(value, RANDOM):
            return ["random", self.node(_random_state(value), MISSING, path)]
        if isinstance(value, np.ndarray) and not value.dtype.hasobject:
            content = torch.tensor(bytearray(value.tobytes()), dtype=torch.uint8)
            return ["array", value.dtype.str, list(value.shape), self._tensor(content, path)]
        if isinstance(value, CONTAINERS):
            if isinstance(value, dict):
                return self._mapping(value, built, path)
            return self._sequence(value, built, path)
        if value is not built:
            return self._new(value, built, path)
        if is_object(value):
            return self._object(value, path)
        if hasattr(value, "__next__") and not isinstance(value, IOBase):
            raise UnsavableError(f"{path} is an iterator, whose position is not known")
        return None

    def _tensor(self, x: Tensor, path: str) -> Node:
        if id(x) not in self.keys:
            self._refuse_views(x, path)
            self.keys[id(x)] = key = str(len(self.keys))
            self.tensors[key] = x.detach()
        self.seen[id(x)] = x  # so that no other tensor gets its number
        moves = x.requires_grad if isinstance(x, nn.Parameter) else None
        stride = None if x.stride() == plain_stride(x) or 0 in x.stride() else list(x.stride())
        return ["tensor", self.keys[id(x)], stride, x.device.type, moves]

    def _refuse_views(self, x: Tensor, path: str) -> None:
        """Refuse a part of another tensor, whose changes would be apart from then on."""
        if not x.numel():
            return
        length = 1 + sum((n - 1) * step for n, step in zip(x.shape, x.stride(), strict=True))
        own = range(x.storage_offset(), x.storage_offset() + length)
        others = self.memory.setdefault(x.untyped_storage().data_ptr(), [])
        for other, name in others:
            if own.start < other.stop and other.start < own.stop:
                raise UnsavableError(f"{path} shares memory with {name}")
        others.append((own, path))

    def _mapping(self, value: dict[Any, Any], built: Any, path: str) -> Node:
        then = self._before(value, built)
        before = then if isinstance(then, dict) else {}
        each = {k: self.node(v, before.get(k, MISSING), f"{path}.{k}") for k, v in value.items()}
        if then is not None and [*value] == [*then] and not any(each.values()):
            return None
        for key in value:
            if key is not None and type(key) not in PLAIN:
                raise UnsavableError(f"{path} has keys of the kind {type(key).__name__}")
        self._require(value, MAPPINGS, path)
        return ["mapping", type(value).__name__, [list(pair) for pair in each.items()]]

    def _sequence(self, value: Any, built: Any, path: str) -> Node:
        then = self._before(value, built)
        if isinstance(value, set):
            if then is not None and value == {*then}:
                return None
            then = None
        before = [*(then or ()), *[MISSING] * len(value)]
        pairs = enumerate(zip(value, before, strict=False))
        each = [self.node(x, b, f"{path}.{i}") for i, (x, b) in pairs]
        if then is not None and len(then) == len(value) and not any(each):
            return None
        if hasattr(value, "_fields"):
            return self._new(value, built, path)
        self._require(value, SEQUENCES, path)
        return ["sequence", type(value).__name__, getattr(value, "maxlen", None), each]

    def _before(self, value: Any, built: Any) -> Any:
        """Return what a container in the same place held when it was built; None for no such."""
        if type(built) is not type(value) or id(built) not in self.held:
            return None
        return self.held[id(built)][1]

    def _require(self, value: Any, known: dict[str, Any], path: str) -> None:
        if type(value) not in known.values():
            raise UnsavableError(f"{path} is a changed {type(value).__name__}")

    def _new(self, value: Any, built: Any, path: str) -> Node:
        """Return the node of a frozen dataclass or a named tuple, which takes the place of others.

        Raises:
            UnsavableError: The value is of another kind.
        """
        kind = type(value)
        if isinstance(value, np.generic):
            return ["plain", value.item()]
        names = getattr(kind, "_fields", ())
        if is_frozen(value):
            names = [field.name for field in fields(value)]
        if not names:
            raise UnsavableError(f"{path} is a new {kind.__name__}")
        then = built if type(built) is kind else None
        each = {
            name: self.node(getattr(value, name), getattr(then, name, MISSING), f"{path}.{name}")
            for name in names
        }
        return ["value", kind.__module__, kind.__qualname__, each]

    def _object(self, value: Any, path: str) -> Node:
        if id(value) in self.seen:
            return None
        self.seen[id(value)] = value
        if id(value) not in self.held:
            raise UnsavableError(f"{path} is a new {type(value).__name__}")
        then, now = self.held[id(value)][1], dict(attributes(value))
        each = {k: self.node(v, then.get(k, MISSING), f"{path}.{k}") for k, v in now.items()}
        changed = {name: node for name, node in each.items() if node is not None}
        gone = [name for name in then if name not in now]
        return ["object", changed, gone] if changed or gone else None


def _random_state(value: Any) -> Any:
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return value.getstate() if isinstance(value, random.Random) else value.get_state()
