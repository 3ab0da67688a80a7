"""Optimizers step as PyTorch's own and start without its compiler."""

import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from da.config.optimization import Optimization
from da.methods.source_only import SourceOnly
from da.runs.run import Run
from da.training import optimizers

SETTINGS = [
    ("AdamW", {"betas": (0.8, 0.99)}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
]
RUN = Run(SourceOnly.Hparams(), "moons:0-20", "mlp", "random", "full", optimizer="sgd")


def built(**changes: Any) -> tuple[torch.optim.Optimizer, SourceOnly]:
    run = replace(RUN, **changes)
    method = run.method.build(nn.Linear(3, 5), 2, run.network)
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
