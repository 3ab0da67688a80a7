"""Train several methods of one kind together, with stacked weights and shared steps."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import chain
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.func import functional_call, vmap

from da.data.batch import Batch, pack, tensors
from da.methods import Losses, Method, Phase
from da.methods.base import Scalar
from da.ops.random import use_generators


class Group(nn.Module):
    """Methods of one kind and one shape that take their steps together, under vmap.

    `together` is a copy of one method, with weights of shape `g ...` for g methods. The weights of
    `methods` are views of these, so each can be evaluated on its own at any time. Losses have one
    element for each method.

    Args:
        methods: Methods of the same class, whose weights have the same shapes.
        generators: Random generator of each method.
    """

    def __init__(self, methods: Sequence[Method], generators: Sequence[torch.Generator]):
        super().__init__()
        self.generators = generators
        self.together = copy.deepcopy(methods[0])
        self.state = _stack(self.together, methods)
        names = type(methods[0]).batchable or ()
        place = next(self.together.parameters()).device
        self.settings = {
            name: torch.tensor([getattr(method.hp, name) for method in methods], device=place)
            for name in names
        }

    def phases(self) -> Iterator[Phase]:
        """Yield the phases of a step; each phase updates the weights of all methods."""
        for phase in self.together.phases():
            yield Phase(partial(self._losses, phase.losses), phase.updates)

    def after_step(self) -> None:
        """Do nothing: no batchable method has work to do after a step."""

    def _losses(
        self, function: Callable[[Batch, Scalar], Losses], batch: Batch, progress: Scalar
    ) -> dict[str, Float[Tensor, "g"]]:
        def one(state: dict[str, Tensor], settings: dict[str, Tensor], *parts: Tensor) -> Losses:
            with _set(self.together, settings):
                arguments = (function, pack(parts, batch), progress)
                return functional_call(_Call(self.together), state, arguments)

        state = {f"method.{name}": tensor for name, tensor in self.state.items()}
        with use_generators(self.generators):
            return vmap(one)(state, self.settings, *tensors(batch))


class _Call(nn.Module):
    """A module that calls any function of a method, as `functional_call` takes only modules."""

    def __init__(self, method: Method):
        super().__init__()
        self.method = method

    def forward(self, function: Callable[..., Losses], *arguments: Any) -> Losses:
        return function(*arguments)


def _stack(together: Method, methods: Sequence[Method]) -> dict[str, Tensor]:
    """Stack the weights and buffers of all methods in `together`, and make theirs views of it."""
    state = dict(chain(together.named_parameters(), together.named_buffers()))
    for name, tensor in state.items():
        each = [
            method.get_parameter(name)
            if isinstance(tensor, nn.Parameter)
            else method.get_buffer(name)
            for method in methods
        ]
        tensor.data = torch.stack([one.data for one in each])
        for one, row in zip(each, tensor.data, strict=True):
            one.data = row
    return state


@contextmanager
def _set(method: Method, settings: dict[str, Tensor]) -> Iterator[None]:
    usual = method.hp
    method.hp = copy.copy(usual)
    for name, value in settings.items():
        object.__setattr__(method.hp, name, value)
    try:
        yield
    finally:
        method.hp = usual


def stack_batches(batches: Sequence[Batch]) -> Batch:
    """Stack g batches of equal sizes into one, whose tensors have a leading axis g."""
    each = zip(*map(tensors, batches), strict=True)
    return pack(map(torch.stack, each), batches[0])
