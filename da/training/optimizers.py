"""The optimizer of a run, and the course of its learning rate.

PyTorch's optimizers, but that the first one made in a process does not import the compiler:
that takes 2 to 3 s, and all it does is to tell the compiler to leave optimizers alone.
"""

from inspect import unwrap

import torch
from torch.optim import Optimizer

from da.methods import Method
from da.models import pruning
from da.runs.run import Run
from da.training import engine


class _Light(torch.optim.Optimizer):
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class AdamW(_Light, torch.optim.AdamW):
    """As PyTorch's."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class SGD(_Light, torch.optim.SGD):
    """As PyTorch's."""

    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


def rate_factor(run: Run, steps: int) -> engine.Rate:
    """The course of the learning rate over the `steps` of `run`."""
    return lambda step: run.tuning.rate(step, steps, run.schedule)


def build_optimizer(run: Run, method: Method) -> Optimizer:
    """The optimizer of all parameters of `method` that move, the backbone's at their own rate."""
    made = _optimizer(run, method)
    if run.sparsity and not run.structured:
        pruning.keep_zeros(made, pruning.prunable_weights(method.backbone, method.neck))
    return made


def _optimizer(run: Run, method: Method) -> Optimizer:
    groups = run.tuning.groups(method, run.lr, run.lr * run.backbone_lr)
    if run.optimizer == "sgd":
        return SGD(groups, run.lr, run.momentum, weight_decay=run.weight_decay, fused=True)
    betas = (float(run.momentum), 0.999)  # of one type, and a whole number is a setting too
    return AdamW(groups, run.lr, betas, weight_decay=run.weight_decay, fused=True)
