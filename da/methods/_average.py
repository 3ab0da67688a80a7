"""Averages of weights over the steps of a training."""

import torch
from torch import Tensor, nn


@torch.no_grad()
def move_toward(average: nn.Module, network: nn.Module, share: float | Tensor) -> None:
    """Move all weights of a network toward those of another of the same structure, in place.

    After each step of `network`, this makes `average` its exponential average: a teacher. The
    other way around, it pulls a network back to where it began. Either may be a copy by
    `copy_as_buffers`. Running statistics of batch norms stay, since they are averages already.

    Args:
        average: Network whose weights move.
        network: Network that they move toward.
        share: Share of the way, from 0 to 1: 1 minus the momentum of the average.
    """
    weights = {name for part in (average, network) for name, _ in part.named_parameters()}
    ours, theirs = average.state_dict(), network.state_dict()
    for name in weights:
        ours[name].lerp_(theirs[name], share)
