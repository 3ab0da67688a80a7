"""Runs that train together end as each does alone."""

import copy
from dataclasses import fields
from itertools import islice

import pytest
import torch

from da.data import loaders, tasks
from da.data.batch import Batch, Labeled, Unlabeled
from da.data.domain import Task
from da.methods import METHODS, Method, Network
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models.backbone import Features
from da.training.engine import fit, train_step
from da.training.vmap import Group, stack_batches
from tests.conftest import points

STEPS = 50
BATCHABLE = [kind for kind in METHODS.values() if kind.batchable is not None]
each_batchable = pytest.mark.parametrize("kind", BATCHABLE, ids=lambda kind: kind.name)


def task(seed: int, shots: bool) -> Task:
    g = torch.Generator().manual_seed(seed)
    y = torch.arange(80) % 3
    x_s, x_t = (torch.randn(80, 5, generator=g) + m * y[:, None] for m in (1, 2))
    return tasks.build_task("moons:0-1" + "+3shot" * shots, points(x_s, y, 3), points(x_t, y, 3))


OPPOSED = "m3sda", "mme"
"""Methods whose parts play against each other, so that rounding grows over the steps."""


def member(kind: type[Method], i: int) -> tuple[Method, Task]:
    """Method and task of run i, each with settings, weights and data of its own."""
    torch.manual_seed(i)
    batchable = {name: (2 + i) * getattr(kind.Hparams(), name) / 4 for name in kind.batchable}
    narrow = {"hidden": (16,)} if "hidden" in {f.name for f in fields(kind.Hparams)} else {}
    narrow |= {"temperature": 1.0} if kind.name == "mme" else {}  # else rounding counts 20 times
    m = kind.Hparams(**batchable, **narrow).build(Features(5), 3, Network(neck=8))
    own = task(i, kind.takes_shots)
    m.prepare(own.source_train, own.target_train)
    return m, own


def sgd(method: Method) -> torch.optim.Optimizer:
    return torch.optim.SGD(method.parameters(), 0.05, momentum=0.9, weight_decay=1e-3)


def batches(own: Task, i: int) -> list[Batch]:
    return list(islice(loaders.batches(own, 16, i), STEPS))


@pytest.mark.slow
@each_batchable
def test_fifty_steps_together_equal_fifty_alone(kind):
    members = [member(kind, i) for i in range(3)]
    alone = [(copy.deepcopy(m), own) for m, own in members]
    methods = [m for m, _ in members]
    group = Group(methods, [torch.Generator().manual_seed(100 + i) for i in range(3)])
    steps = map(
        stack_batches, zip(*(batches(own, i) for i, (_, own) in enumerate(members)), strict=True)
    )
    together = [x for _, x in fit(group, steps, sgd(group.together), STEPS, 1)]
    for i, (m, own) in enumerate(alone):
        torch.manual_seed(100 + i)
        for (_, expected), found in zip(
            fit(m, batches(own, i), sgd(m), STEPS, 1), together, strict=True
        ):
            mine = {name: loss[i] for name, loss in found.items()}
            torch.testing.assert_close(mine, expected, rtol=1e-5, atol=1e-5)
        x = own.target_test.take(torch.arange(40))
        most = 1e-4 if kind.name in OPPOSED else 1e-5
        pair = methods[i].eval().predict(x), m.eval().predict(x)
        torch.testing.assert_close(*pair, rtol=most, atol=most)


@each_batchable
def test_settings_that_may_differ_are_settings_of_the_method(kind):
    assert set(kind.batchable) <= {f.name for f in fields(kind.Hparams)}
    assert kind.after_step is Method.after_step


def test_each_keeps_its_own_settings():
    methods = [DANN.Hparams(trade_off=t).build(Features(5), 3) for t in (0.0, 1.0)]
    methods[1].load_state_dict(methods[0].state_dict())
    group = Group(methods, [torch.Generator().manual_seed(0) for _ in methods])
    same = batches(task(0, False), 0)[0]
    train_step(group, sgd(group.together), stack_batches([same, same]), 1.0)
    moved = [m.neck[0].weight for m in methods]
    assert not moved[0].equal(moved[1])
    assert methods[0].discriminator[0].weight.equal(methods[1].discriminator[0].weight)


def test_weights_of_each_are_those_of_the_group():
    methods = [member(SourceOnly, i)[0] for i in range(2)]
    before = copy.deepcopy(methods)
    group = Group(methods, [torch.Generator() for _ in methods])
    for old, new, one in zip(before, methods, (0, 1), strict=True):
        for name, weight in new.state_dict().items():
            assert weight.equal(old.state_dict()[name])
            assert weight.data_ptr() == group.state[name][one].data_ptr()


def test_one_that_diverges_leaves_the_others_alone():
    methods = [member(SourceOnly, i)[0] for i in range(2)]
    methods[0].head[0].weight.data[:] = torch.nan
    group = Group(methods, [torch.Generator().manual_seed(i) for i in range(2)])
    steps = [stack_batches([b, b]) for b in batches(task(0, False), 0)]
    failed: dict[int, str] = {}
    list(fit(group, steps, sgd(group.together), 4, 2, failed=failed))
    assert failed == {0: "loss 'task' is not finite at step 1"}
    assert all(weight.isfinite().all() for weight in methods[1].state_dict().values())


def test_batches_are_stacked_tensor_by_tensor():
    x, y = torch.randn(2, 4, 5), torch.arange(8).reshape(2, 4)
    each = [Batch(Labeled(x[i], y[i]), Unlabeled(-x[i], y[i] + 1)) for i in (0, 1)]
    both = stack_batches(each)
    assert both.source.x.equal(x)
    assert both.source.y.equal(y)
    assert both.target.x.equal(-x)
    assert both.target.index.equal(y + 1)
    assert both.shots is None
