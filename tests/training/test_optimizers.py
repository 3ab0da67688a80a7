"""Optimizers step as PyTorch's own and start without its compiler."""

import copy
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from da.config.optimization import Optimization
from da.methods import Method
from da.methods.dann import DANN
from da.methods.source_only import SourceOnly
from da.models.backbones.mlp import MLP
from da.runs.run import Run
from da.training import optimizers

SETTINGS = [
    ("AdamW", {"betas": (0.8, 0.99)}),
    ("Adam", {"betas": (0.8, 0.99)}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
]
RUN = Run(SourceOnly.Hparams(), "moons:0-20", "mlp", "random", "full", optimizer="sgd")


def built(**changes: Any) -> tuple[torch.optim.Optimizer, Method]:
    run = replace(RUN, **changes)
    method = run.method.build(MLP(2), 2, run.network)
    return optimizers.build_optimizer(run, method), method


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_as_pytorch(name: str, settings: dict[str, Any]):
    weights = []
    for kind in (getattr(optimizers, name), getattr(torch.optim, name)):
        torch.manual_seed(0)
        layer = nn.Linear(3, 2)
        optimizer = kind(layer.parameters(), 0.1, weight_decay=0.1, fused=True, **settings)
        for _ in range(3):
            optimizer.zero_grad()
            layer(torch.ones(4, 3)).square().sum().backward()
            optimizer.step()
        weights.append(layer.weight.detach())
    assert torch.equal(*weights)


def test_no_compiler():
    code = """
import sys, torch
from da.training.optimizers import AdamW
p = torch.nn.Parameter(torch.ones(2))
p.grad = torch.ones(2)
AdamW([p], fused=True).step()
assert "torch._dynamo" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("nesterov", [False, True])
def test_nesterov_is_that_of_the_run(nesterov):
    made, _ = built(optimization=Optimization(nesterov=nesterov))
    assert {group["nesterov"] for group in made.param_groups} == {nesterov}


def test_adam_decays_by_a_penalty_in_the_gradient():
    """As in `torch.optim.Adam`, whose first step is lr along the sign of gradient and penalty."""
    made, method = built(optimizer="adam", lr=0.1, weight_decay=1.0)
    weight = method.head[0].weight
    before = weight.detach().clone()
    for p in method.parameters():
        p.grad = torch.zeros_like(p)
    made.step()
    assert torch.allclose(weight, before - 0.1 * before.sign(), atol=1e-5)


def test_parts_have_rates_and_a_momentum_of_their_own():
    """That of SAFN and MCD: two optimizers, without momentum for the backbone."""
    rates = {"neck_lr": 2, "head_lr": 3, "rest_lr": 10}
    own = Optimization(nesterov=True, backbone_momentum=0, backbone_decay=0.5, **rates)
    made, m = built(
        method=DANN.Hparams(), lr=0.1, backbone_lr=0.1, weight_decay=0.1, optimization=own
    )
    groups = {id(p): group for group in made.param_groups for p in group["params"]}
    assert len(groups) == len([*m.parameters()])
    names = "lr", "momentum", "nesterov", "weight_decay"
    for part, wanted in (
        (m.neck, (0.2, 0.9, True, 0.1)),
        (m.head, (0.3, 0.9, True, 0.1)),
        (m.discriminator, (1.0, 0.9, True, 0.1)),
        (m.backbone, (0.01, 0.0, False, 0.05)),
    ):
        for p in part.parameters():
            found = [groups[id(p)][name] for name in names]
            assert found == pytest.approx(list(wanted))


def test_two_optimizers_of_two_parts_step_alike():
    own = Optimization(nesterov=True, backbone_momentum=0)
    made, m = built(lr=0.1, optimization=own)
    twin = copy.deepcopy(m)
    theirs = [
        torch.optim.SGD(twin.backbone.parameters(), 0.1, weight_decay=1e-3),
        torch.optim.SGD(
            [*twin.neck.parameters(), *twin.head.parameters()],
            0.1,
            momentum=0.9,
            nesterov=True,
            weight_decay=1e-3,
        ),
    ]
    for seed in range(3):
        for each in (m, twin):
            torch.manual_seed(seed)
            for p in each.parameters():
                p.grad = torch.randn_like(p)
        for optimizer in (made, *theirs):
            optimizer.step()
    for ours, other in zip(m.parameters(), twin.parameters(), strict=True):
        assert torch.allclose(ours, other, atol=1e-7)
