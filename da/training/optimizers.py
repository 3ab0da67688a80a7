"""Build the optimizer of a run.

The optimizers are PyTorch's, except that the first one in a process does not import the compiler.
That import takes 2 to 3 s, and only tells the compiler to leave optimizers alone.
"""

from inspect import unwrap
from typing import Any

import torch
from torch.optim import Optimizer

from da.methods import Method
from da.models import pruning
from da.models.finetuning import group_parameters
from da.runs.run import Run


class _Light(torch.optim.Optimizer):
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class AdamW(_Light, torch.optim.AdamW):
    """PyTorch's AdamW, without the import of the compiler."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class Adam(_Light, torch.optim.Adam):
    """PyTorch's Adam, without the import of the compiler."""

    step = torch.no_grad()(unwrap(torch.optim.Adam.step))


class SGD(_Light, torch.optim.SGD):
    """PyTorch's SGD, without the import of the compiler."""

    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


def build_optimizer(run: Run, method: Method) -> Optimizer:
    """Build the optimizer of all parameters that train, with the backbone's own learning rate."""
    made = _optimizer(run, method)
    if run.sparsity and not run.structured:
        pruning.keep_zeros(made, pruning.prunable_weights(method.backbone, method.neck))
    return made


def _optimizer(run: Run, method: Method) -> Optimizer:
    rates = {name: run.lr * factor for name, factor in run.optimization.part_rates.items()}
    groups = group_parameters(run.tuning, method, rates, backbone_options(run))
    if not groups:  # a method that trains nothing
        groups = [{"params": [torch.nn.Parameter(torch.zeros(()))]}]
    if run.optimizer == "sgd":
        nesterov = run.optimization.nesterov
        return SGD(
            groups,
            run.lr,
            run.momentum,
            weight_decay=run.weight_decay,
            nesterov=nesterov,
            fused=True,
        )
    betas = (float(run.momentum), 0.999)  # PyTorch wants one type, and 0 is a momentum too
    kind = AdamW if run.optimizer == "adamw" else Adam
    return kind(groups, run.lr, betas, weight_decay=run.weight_decay, fused=True)


def backbone_options(run: Run) -> dict[str, Any]:
    """Return what the optimizer's groups of the backbone have, where it differs from the others."""
    own, found = run.optimization, {"lr": run.lr * run.backbone_lr}
    if own.backbone_decay != 1:
        found["weight_decay"] = run.weight_decay * own.backbone_decay
    if own.backbone_momentum != 1:
        found["momentum"] = run.momentum * own.backbone_momentum
        found["nesterov"] = own.nesterov and own.backbone_momentum > 0
    return found
