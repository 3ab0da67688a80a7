"""PyTorch's optimizers, but that the first one made in a process does not import the compiler.

That takes 2 to 3 s, and all it does is to tell the compiler to leave optimizers alone.
"""

from inspect import unwrap

import torch


class _Light(torch.optim.Optimizer):
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    zero_grad = unwrap(torch.optim.Optimizer.zero_grad)


class AdamW(_Light, torch.optim.AdamW):
    """As PyTorch's."""

    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


class SGD(_Light, torch.optim.SGD):
    """As PyTorch's."""

    step = torch.no_grad()(unwrap(torch.optim.SGD.step))
