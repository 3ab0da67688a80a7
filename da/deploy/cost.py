"""The cost of using a network: weights, multiplications, and time on this CPU."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from typing import NamedTuple

import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from da.system.hardware import count_flops
from da.system.threads import one_thread

ROUNDS = 30
"""Rounds in which networks take turns, so that other work on the machine slows all of them."""


class Latency(NamedTuple):
    """The time of a forward pass on one thread."""

    seconds: float
    """Seconds of a pass, median over rounds."""
    ratio: float
    """Time relative to the first network: median of the ratios within each round."""


def count_parameters(*networks: nn.Module) -> int:
    """Count weights and biases that are not 0; those that networks share count once."""
    every = {p for network in networks for p in network.parameters()}
    return sum(int(p.count_nonzero()) for p in every)


@torch.no_grad()
def count_macs(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> int:
    """Count the multiply-adds of convolutions and matrix products for the input `x`.

    A MAC is one multiplication with its addition. Those with weights of 0 count too, since they are
    computed.
    """
    return count_flops(lambda: network(x)) // 2


@torch.no_grad()
def measure_latencies(networks: Sequence[Callable[[Tensor], Tensor]], x: Tensor) -> list[Latency]:
    """Measure how long each of `networks`, in evaluation mode on the CPU, takes for `x`."""
    with one_thread():
        for network in networks:
            network(x)  # the first call also allocates memory and chooses kernels
        rounds = [[_seconds(network, x) for network in networks] for _ in range(ROUNDS)]
    first = [times[0] for times in rounds]
    return [
        Latency(median(own), median(a / b for a, b in zip(own, first, strict=True)))
        for own in zip(*rounds, strict=True)
    ]


def _seconds(network: Callable[[Tensor], Tensor], x: Tensor) -> float:
    start = time.perf_counter()
    network(x)
    return time.perf_counter() - start
