"""All kinds of values that objects hold come back, and others are refused by name."""

import json
import random
from collections import OrderedDict, defaultdict, deque
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

from da.training.checkpoints.nodes import UnsavableError
from da.training.checkpoints.objects import Objects, State


@dataclass(frozen=True)
class Slot:
    """A value in the place of another."""

    place: int
    x: torch.Tensor


class Pair(NamedTuple):
    """Two numbers."""

    a: float
    b: float


class Counter:
    """An object of no module, which a hook may be."""

    def __init__(self) -> None:
        self.count = 0
        self.last: torch.Tensor | None = None

    def __call__(self, module: nn.Module, given: Any) -> None:
        self.count += 1
        self.last = given[0] + 0


class Model(nn.Module):
    """A module that holds all kinds of values."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(2, 3)
        self.register_buffer("bank", torch.zeros(0, 2))
        self.pairs = [(self.layer, Counter())]
        self.layer.register_forward_pre_hook(Counter())
        self.queue: deque[int] = deque(maxlen=2)
        self.names = {"a": 1, 2: [3.5]}
        self.known: set[str] = {"x"}
        self.order = OrderedDict(b=1)
        self.lists: defaultdict[str, list[int]] = defaultdict(list)
        self.rows = np.zeros(2, np.int16)
        self.generator = torch.Generator().manual_seed(1)
        self.numpy = np.random.default_rng(1)
        self.python = random.Random(1)
        self.given = lambda x: x
        self.step = 0
        self.slots: list[Slot] = []
        self.pair = Pair(0.0, 0.0)
        self.gone = "here"


def use(model: Model) -> None:
    """Change all that the model holds."""
    model.layer(torch.ones(1, 2))
    with torch.no_grad():
        model.layer.weight += 1
    model.layer.bias.requires_grad_(False)
    model.bank = torch.arange(6.0).view(3, 2)
    model.alias = model.bank
    model.pairs[0][1](model, [torch.ones(2)])
    model.queue.extend([1, 2, 3])
    model.names["a"], model.names["c"] = float("nan"), None
    model.known.add("y")
    model.order["a"] = 2
    model.lists["k"].append(1)
    model.rows = np.array([5, -5], np.int16)
    torch.rand(3, generator=model.generator)
    model.numpy.random(), model.python.random()
    model.step += 7
    model.slots.append(Slot(3, torch.ones(2)))
    model.pair = Pair(0.5, float("inf"))
    model.eval()
    model.tall = torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last)
    del model.gone


def through_json(state: State) -> State:
    """The state as a file holds it."""
    nodes, more = json.loads(json.dumps([state.nodes, state.more]))
    return State(nodes, more, {key: x.clone() for key, x in state.tensors.items()})


@pytest.fixture
def restored() -> tuple[Model, Model]:
    """A model that changed, and another that has its state."""
    used, fresh = Model(), Model()
    objects, theirs = Objects(model=used), Objects(model=fresh)
    use(used)
    more = theirs.restore(through_json(objects.state(more=(1, {"x": [2]}))), torch.device("cpu"))
    assert more == {"more": (1, {"x": [2]})}
    return used, fresh


def test_weights_and_buffers_are_the_same_and_weights_stay_the_same_objects(restored):
    used, fresh = restored
    assert fresh.layer.weight.equal(used.layer.weight)
    assert isinstance(fresh.layer.weight, nn.Parameter)
    assert [p.requires_grad for p in fresh.parameters()] == [True, False]
    assert fresh.bank.equal(used.bank)
    assert fresh.alias is fresh.bank
    assert not fresh.layer.training
    assert fresh.tall.equal(used.tall)
    assert fresh.tall.stride() == used.tall.stride()


def test_plain_attributes_are_the_same(restored):
    _, fresh = restored
    assert (fresh.queue, fresh.queue.maxlen) == (deque([2, 3]), 2)
    assert [*fresh.names] == ["a", 2, "c"]
    assert fresh.names["a"] != fresh.names["a"]
    assert fresh.known == {"x", "y"}
    assert fresh.order == OrderedDict(b=1, a=2)
    assert fresh.lists == {"k": [1]}
    assert fresh.lists["new"] == []
    assert (fresh.rows.tolist(), fresh.rows.dtype) == ([5, -5], np.int16)
    assert (fresh.step, fresh.pair) == (7, Pair(0.5, float("inf")))
    assert fresh.slots[0].place == 3
    assert fresh.slots[0].x.equal(torch.ones(2))
    assert not hasattr(fresh, "gone")


def test_random_generators_go_on(restored):
    used, fresh = restored
    draws = [torch.rand(2, generator=model.generator).tolist() for model in restored]
    assert draws[0] == draws[1]
    assert used.numpy.random() == fresh.numpy.random()
    assert used.python.random() == fresh.python.random()


def test_objects_in_lists_and_hooks_have_their_state(restored):
    _, fresh = restored
    (hook,) = fresh.layer._forward_pre_hooks.values()
    assert (hook.count, hook.last.tolist()) == (1, [[1.0, 1.0]])
    assert fresh.pairs[0][0] is fresh.layer
    assert fresh.pairs[0][1].count == 1


def test_what_stays_is_not_stored():
    model = Model()
    model.images = Slot(0, torch.zeros(1000))
    state = Objects(model=model).state()
    assert 1000 not in {x.numel() for x in state.tensors.values()}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (iter([1]), "model.it is a new list_iterator"),
        (Counter(), "model.it is a new Counter"),
        ({(1, 2): 3}, "model.it has keys of the kind tuple"),
        (type("Bag", (dict,), {})(a=1), "model.it is a changed Bag"),
    ],
)
def test_what_cannot_be_stored_is_named(value, said):
    model = Model()
    objects = Objects(model=model)
    model.it = value
    with pytest.raises(UnsavableError, match=said):
        objects.state()


def test_an_iterator_that_was_there_from_the_beginning_is_refused_too():
    model = Model()
    model.batches = iter([1, 2])
    with pytest.raises(UnsavableError, match=r"model\.batches is an iterator"):
        Objects(model=model).state()


def test_weights_of_another_shape_are_refused():
    used, fresh = Model(), Model()
    fresh.layer = nn.Linear(2, 4)
    state = Objects(model=used).state()
    with pytest.raises(ValueError, match=r"shape \[3, 2\] .* not \[4, 2\]: .* --restart"):
        Objects(model=fresh).restore(state, torch.device("cpu"))


class Shared(nn.Module):
    """A module of which two objects hold the same containers."""

    def __init__(self) -> None:
        super().__init__()
        self.held = SimpleNamespace(queue=deque(maxlen=2), names=set(), rows=[])
        self.queue, self.names, self.rows = self.held.queue, self.held.names, self.held.rows


def test_what_two_objects_hold_stays_one_thing():
    before, after = Shared(), Shared()
    watched, again = Objects(model=before), Objects(model=after)
    before.queue.extend([1, 2, 3])
    before.names.add("x")
    before.rows.append(4)
    again.restore(watched.state(), torch.device("cpu"))
    for name, value in {"queue": deque([2, 3]), "names": {"x"}, "rows": [4]}.items():
        assert getattr(after, name) == value
        assert getattr(after, name) is getattr(after.held, name)


def test_a_view_of_another_tensor_is_refused():
    model = Shared()
    watched = Objects(model=model)
    model.register_buffer("bank", torch.zeros(4, 2))
    model.row = model.bank[1]
    with pytest.raises(UnsavableError, match=r"^model.* shares memory with model.*bank$"):
        watched.state()
