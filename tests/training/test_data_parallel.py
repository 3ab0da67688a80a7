"""Several processes train as one does: every method, batch norm, and gradients inside losses."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn
from torch.nn import functional as F

from da.methods import METHODS, Network
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.training.data_parallel import (
    divide_backbone,
    divided_passes,
    inner_gradients,
    watch_gradients,
)
from da.training.engine import average_gradients
from da.training.processes import list_all
from da.training.setup import assemble
from da.training.train import fit, train
from tests.conftest import begin_with
from tests.fixtures.points import task_of

BEGUN = Run(SourceOnly.Hparams(), "moons:0-40", "mlp", "random", "full", network=Network(8))
BEGUN = replace(BEGUN, steps=20, batch=15, eval_every=10, optimizer="sgd", lr=0.01)
"""With adamw, a bias before batch norm, whose gradient is 0 but for rounding, moves at random."""
SENSITIVE = "cowa_jmds", "dance", "mme", "uniot"
"""Methods that sort or threshold what they see, so that rounding grows; they run in float64."""

Found = dict[str, torch.Tensor]


def in_processes(count: int, work: Callable[[], object], folder: Path) -> object:
    """What the first of several processes returns."""
    file = folder / f"{count}.pt"
    mp.start_processes(join, (count, work, file), nprocs=count, start_method="fork")
    return torch.load(file)


def join(rank: int, count: int, work: Callable[[], object], file: Path) -> None:
    torch.set_num_threads(1)  # a forked process has none of its parent's threads, and would wait
    store = f"file://{file}.store"
    dist.init_process_group("gloo", init_method=store, rank=rank, world_size=count)
    found = work()
    if rank == 0:
        torch.save(found, file)
    dist.destroy_process_group()


def few_steps() -> Found:
    """Weights after steps of a network with batch norm, and a gradient that its losses need."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten())
    network = nn.Sequential(body, nn.Linear(4 * 16, 3))
    divide_backbone(body)
    body[0].requires_grad_(False)
    watch_gradients(network)
    body[0].requires_grad_(True)
    inner: dict[str, torch.Tensor] = {}
    with divided_passes():
        for images in (11, 7, 1):
            x, y = torch.randn(images, 3, 6, 6), torch.randint(3, (images,))
            with inner_gradients():
                loss = F.cross_entropy(network(x), y)
                found = torch.autograd.grad(loss, [*network.parameters()])
                inner |= {f"gradient {images} {i}": g for i, g in enumerate(found)}
            F.cross_entropy(network(x), y).backward()
            average_gradients([*network.parameters()])
            with torch.no_grad():
                for p in network.parameters():
                    p -= 0.1 * p.grad
                    p.grad = None
    return inner | {k: v for k, v in network.state_dict().items() if v.is_floating_point()}


@pytest.mark.slow
@pytest.mark.parametrize("count", [2, 4])
def test_batch_norm_and_inner_gradients_are_those_of_one_process(count, tmp_path):
    found, one = in_processes(count, few_steps, tmp_path), few_steps()
    for name, value in one.items():
        torch.testing.assert_close(found[name], value, rtol=1e-4, atol=1e-6, msg=name)


def draw_after_passes() -> list[Found]:
    """What each process draws after passes with dropout in a backbone, by the number of images."""
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5))
    divide_backbone(body)
    drawn = {}
    for images in (1, 4, 33):
        x = torch.randn(images, 4)
        with divided_passes():
            body(x)
        drawn[f"{images}"] = torch.rand(3)
    return list_all(drawn)


@pytest.mark.slow
def test_processes_draw_the_same_after_dropout_in_unequal_shares(tmp_path):
    first, second = in_processes(2, draw_after_passes, tmp_path)
    torch.testing.assert_close(first, second, rtol=0, atol=0)


def run_of(name: str) -> Run | None:
    """A run of a method with a network that learns; None where the method has none."""
    kind = METHODS[name]
    try:
        return replace(BEGUN, task=task_of(kind), **begin_with(kind, BEGUN.id))
    except ValueError:
        return None


def train_all(names: list[str]) -> dict[str, Found]:
    """Weights and numbers of each method after its run."""
    found = {}
    for name in names:
        run = run_of(name)
        parts = assemble(run)
        if name in SENSITIVE:
            parts.method.double()
            for part in (parts.method.backbone, parts.method.head):
                part.register_forward_pre_hook(lambda _, args: args[0].double())
        curve, _ = fit(run, parts, quiet=True)
        state = {k: v for k, v in parts.method.state_dict().items() if v.is_floating_point()}
        numbers = {k: torch.tensor(v) for k, v in curve[-1].items() if k.startswith("loss/")}
        found[name] = state | numbers
    return found


@pytest.mark.slow
@pytest.mark.usefixtures("names_as_noise")
@pytest.mark.parametrize("count", [2, 4])
def test_every_method_learns_in_several_processes_what_it_learns_in_one(count, tmp_path):
    train(BEGUN, save_weights=True, quiet=True)
    names = [name for name, kind in METHODS.items() if not kind.needs and run_of(name)]
    found, one = in_processes(count, lambda: train_all(names), tmp_path), train_all(names)
    far = {
        name: max(
            float((found[name][k] - v).abs().nan_to_num().max())
            for k, v in own.items()
            if v.numel()
        )
        for name, own in one.items()
    }
    assert {name: gap for name, gap in far.items() if gap > 1e-5} == {}
    assert len(far) > 40
