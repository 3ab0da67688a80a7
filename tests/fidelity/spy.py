"""Note what a training script does, without changing a number of it."""

from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_hook
from torch.optim import Optimizer

from tests.fidelity import inputs

OPTIMIZERS = "SGD", "Adam"
GIVEN = "theta", "norms", "weights"
"""Beginnings of the names of parts that keep the weights that they come with."""
MOVES = "momentum", "nesterov", "weight_decay", "betas"
"""Settings of a group that are noted."""


class Spy:
    """What a script did: losses, learning rates, and the parts that its optimizers moved.

    Args:
        roles: Name of each group of each optimizer, in the order in which the script makes them.
            Those in `GIVEN` keep the weights that they come with.
    """

    def __init__(self, roles: tuple[tuple[str, ...], ...]) -> None:
        self.roles = list(roles)
        self.losses: defaultdict[str, list[float]] = defaultdict(list)
        self.rates: list[list[float]] = []
        self.optimizers: list[dict[str, Any]] = []
        self.parts: dict[str, list[nn.Parameter]] = {}
        self.initial: dict[str, dict[str, Any]] = {}
        self.names: dict[int, tuple[str, ...]] = {}
        self.seen: list[tuple[str, ...]] = []

    def take(self, optimizer: Optimizer) -> None:
        """Give all parameters of a new optimizer their initial values."""
        names = self.roles.pop(0)
        parts: defaultdict[str, list[nn.Parameter]] = defaultdict(list)
        for role, group in zip(names, optimizer.param_groups, strict=True):
            parts[role] += group["params"]
        for role, parameters in parts.items():
            if not role.startswith(GIVEN):
                inputs.fill(role, parameters)
            self.initial[role] = inputs.describe(parameters)
        self.parts |= parts
        self.names[id(optimizer)] = names

    def step(self, optimizer: Optimizer) -> None:
        """Note the learning rates of a step, and at the first one how each part is moved."""
        names = self.names[id(optimizer)]
        groups = dict(zip(names, optimizer.param_groups, strict=True))
        self.rates.append([group["lr"] for group in groups.values()])
        if names not in self.seen:
            self.seen.append(names)
            self.optimizers += [
                {"role": role, "kind": type(optimizer).__name__}
                | {name: group[name] for name in MOVES if name in group}
                for role, group in groups.items()
            ]

    def note(self, name: str, loss: object) -> None:
        """Note a loss, unless it is one number for each image."""
        if isinstance(loss, tuple):
            loss = loss[0]
        if isinstance(loss, Tensor) and loss.ndim == 0:
            self.losses[name].append(loss.item())


def _spied(kind: type[Optimizer], spy: Spy) -> type[Optimizer]:
    def begin(self: Any, *args: Any, **settings: Any) -> None:
        kind.__init__(self, *args, **settings)
        spy.take(self)

    def step(self: Any, closure: Any = None) -> Any:
        spy.step(self)
        return kind.step(self, closure)

    return type(kind.__name__, (kind,), {"__init__": begin, "step": step})


@contextmanager
def spying(spy: Spy) -> Iterator[None]:
    """Note what happens within the context.

    Noted are the losses on which `backward` is called, cross-entropies, and what modules return
    that is one number, by the name of their class. Dropout drops nothing.
    """
    cross_entropy, backward = F.cross_entropy, Tensor.backward

    def noted_cross_entropy(*args: Any, **settings: Any) -> Tensor:
        loss = cross_entropy(*args, **settings)
        spy.note("cross_entropy", loss)
        return loss

    def noted_backward(self: Tensor, *args: Any, **settings: Any) -> None:
        spy.note("backward", self)
        backward(self, *args, **settings)

    def noted_module(module: nn.Module, _: Any, output: object) -> None:
        spy.note(type(module).__name__, output)

    with ExitStack() as stack:
        for name in OPTIMIZERS:
            kind = _spied(getattr(torch.optim, name), spy)
            stack.enter_context(patch.object(torch.optim, name, kind))
        stack.enter_context(patch.object(F, "cross_entropy", noted_cross_entropy))
        stack.enter_context(patch.object(F, "dropout", lambda x, *_, **__: x * 1.0))
        stack.enter_context(patch.object(Tensor, "backward", noted_backward))
        hook = register_module_forward_hook(noted_module)
        stack.callback(hook.remove)
        yield
