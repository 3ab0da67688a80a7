"""Optimizers step as PyTorch's own and start without its compiler."""

import subprocess
import sys
from typing import Any

import pytest
import torch
from torch import nn

from da.training import optimizers

SETTINGS = [("AdamW", {"betas": (0.8, 0.99)}), ("SGD", {"momentum": 0.9})]


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
