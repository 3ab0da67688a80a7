"""Turn nodes of JSON, and tensors that these refer to, into Python objects."""

import random
import sys
from collections import deque
from dataclasses import is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from da.training.checkpoints.nodes import (
    MAPPINGS,
    MISSING,
    SEQUENCES,
    Node,
    attributes,
    is_hooks,
    plain_stride,
)


class Reader:
    """Turns nodes into values.

    Args:
        tensors: Tensors by the keys in nodes.
        device: Device of tensors that were on a GPU.
    """

    def __init__(self, tensors: dict[str, Tensor], device: torch.device):
        self.tensors, self.device = tensors, device
        self.done: dict[str, Tensor] = {}

    def value(self, node: Node, built: Any) -> Any:
        """Return the value of a node, in the place of what was built: the same, where it can be."""
        if node is None:
            return built
        kind, *about = node
        return getattr(self, f"_{kind}")(built, *about)

    def _plain(self, built: Any, value: Any) -> Any:
        return value

    def _tensor(
        self, built: Any, key: str, stride: list[int] | None, place: str, moves: bool | None
    ) -> Tensor:
        if key not in self.done:
            self.done[key] = self._read(built, self.tensors[key], stride, place, moves)
        return self.done[key]

    def _read(
        self, built: Any, x: Tensor, stride: list[int] | None, place: str, moves: bool | None
    ) -> Tensor:
        if isinstance(built, nn.Parameter):
            if built.shape != x.shape:
                raise ValueError(
                    f"weights of the shape {[*x.shape]} are stored in the checkpoint, and not "
                    f"{[*built.shape]}: begin anew with --restart"
                )
            built.data.copy_(x)  # optimizers hold it
            return built.requires_grad_(bool(moves))
        if isinstance(built, Tensor) and _is_same(built, x):
            return built
        device = torch.device("cpu") if place == "cpu" else self.device
        new = torch.empty_strided(x.shape, stride or plain_stride(x), dtype=x.dtype, device=device)
        new.copy_(x)
        return new if moves is None else nn.Parameter(new, moves)

    def _array(self, built: Any, kind: str, shape: list[int], node: Node) -> Any:
        content = self.value(node, MISSING).numpy()
        return np.frombuffer(content.tobytes(), kind).reshape(shape).copy()

    def _random(self, built: Any, node: Node) -> Any:
        state = self.value(node, MISSING)
        if isinstance(built, np.random.Generator):
            built.bit_generator.state = state
        elif isinstance(built, random.Random):
            built.setstate(state)
        else:
            built.set_state(state)
        return built

    def _sequence(self, built: Any, kind: str, most: int | None, nodes: list[Node]) -> Any:
        before = [*built, *[MISSING] * len(nodes)] if type(built) is SEQUENCES[kind] else []
        before = before or [MISSING] * len(nodes)
        found = [self.value(node, b) for node, b in zip(nodes, before, strict=False)]
        new: Any = deque(found, most) if kind == "deque" else SEQUENCES[kind](found)
        if type(built) not in (list, deque, set) or type(built) is not type(new):
            return new
        if getattr(built, "maxlen", most) != most:
            return new
        built.clear()  # others may hold it
        (built.update if kind == "set" else built.extend)(found)
        return built

    def _mapping(self, built: Any, kind: str, pairs: list[list[Any]]) -> Any:
        there = type(built) is MAPPINGS[kind]
        found = {
            k: self.value(node, built.get(k, MISSING) if there else MISSING) for k, node in pairs
        }
        if not there:
            return MAPPINGS[kind](None, found) if kind == "defaultdict" else MAPPINGS[kind](found)
        built.clear()
        built.update(found)
        return built

    def _value(self, built: Any, module: str, name: str, nodes: dict[str, Node]) -> Any:
        kind: Any = sys.modules[module]
        for part in name.split("."):
            kind = getattr(kind, part)
        if not (is_dataclass(kind) or hasattr(kind, "_fields")):
            raise ValueError(f"{module}.{name} is no dataclass")
        then = built if type(built) is kind else None
        return kind(**{k: self.value(n, getattr(then, k, MISSING)) for k, n in nodes.items()})

    def _object(self, built: Any, changed: dict[str, Node], gone: list[str]) -> Any:
        own = vars(built)
        before = dict(attributes(built))
        for name, node in changed.items():
            found = self.value(node, before.get(name, MISSING))
            if not is_hooks(built, name):
                own[name] = found
        for name in gone:
            own.pop(name, None)
        return built


def _is_same(a: Tensor, b: Tensor) -> bool:
    if (a.shape, a.dtype) != (b.shape, b.dtype):
        return False
    return torch.equal(a.detach().cpu(), b)
