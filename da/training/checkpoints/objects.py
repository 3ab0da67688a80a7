"""The state of Python objects as JSON and tensors: what changed in them since they were built.

Whoever restores it has built the same objects again. So functions, settings and images, which stay
as they were, are not stored, and no code is.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from da.training.checkpoints.nodes import MISSING, Node, inside
from da.training.checkpoints.reader import Reader
from da.training.checkpoints.writer import Writer


@dataclass(frozen=True)
class State:
    """State of objects."""

    nodes: dict[str, Node]
    """Nodes of the objects, by their names."""
    more: dict[str, Node]
    """Nodes of other values, by their names."""
    tensors: dict[str, Tensor]
    """Tensors by the keys in nodes."""


class Objects:
    """Objects whose state is stored, with what they hold as they are built.

    Args:
        roots: The objects by name.
    """

    def __init__(self, **roots: Any):
        self.roots = roots
        self.held: dict[int, tuple[Any, Any]] = {}
        self._remember([roots])

    def _remember(self, waiting: list[Any]) -> None:
        """Remember what each object and container holds now."""
        while waiting:
            value = waiting.pop()
            held = inside(value)
            if held is None or id(value) in self.held:
                continue
            self.held[id(value)] = value, held
            waiting += held.values() if isinstance(held, dict) else held

    def state(self, **more: Any) -> State:
        """Return the state of all objects now, and more values by name.

        Raises:
            UnsavableError: They hold a value of a kind that cannot be stored.
        """
        writer = Writer(self.held)
        nodes = {name: writer.node(root, root, name) for name, root in self.roots.items()}
        added = {name: writer.node(value, MISSING, name) for name, value in more.items()}
        return State(nodes, added, writer.tensors)

    def restore(self, state: State, device: torch.device) -> dict[str, Any]:
        """Give the objects the state of others like them, and return the values by name.

        Args:
            state: State of objects that were built in the same way, and perhaps of more.
            device: Device of tensors that were on a GPU.
        """
        reader = Reader(state.tensors, device)
        with torch.no_grad():
            for name, root in self.roots.items():
                reader.value(state.nodes[name], root)
            return {name: reader.value(node, MISSING) for name, node in state.more.items()}
