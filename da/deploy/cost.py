"""What a network costs to use: weights, multiplications, and time on this CPU."""

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
"""In which networks take turns, so that whatever else the machine does slows all of them."""


class Latency(NamedTuple):
    """Time of a forward pass by one thread."""

    seconds: float
    """Median over rounds."""
    ratio: float
    """To the first network that was timed beside it: median of the ratios within each round."""


def count_parameters(*networks: nn.Module) -> int:
    """How many weights and biases are not 0, those that networks share counted once."""
    every = {p for network in networks for p in network.parameters()}
    return sum(int(p.count_nonzero()) for p in every)


@torch.no_grad()
def count_macs(network: nn.Module, x: Shaped[Tensor, "b ..."]) -> int:
    """Multiplications and additions, one each, of convolutions and matrix products.

    Those with weights that are 0 included, since that is what is computed.
    """
    return count_flops(lambda: network(x)) // 2


@torch.no_grad()
def measure_latencies(networks: Sequence[Callable[[Tensor], Tensor]], x: Tensor) -> list[Latency]:
    """How long each of `networks`, in evaluation mode on the CPU, takes for `x`."""
    with one_thread():
        for network in networks:
            network(x)  # memory is laid out, kernels are chosen
        rounds = [[_seconds(network, x) for network in networks] for _ in range(ROUNDS)]
    return [
        Latency(median(own), median(a / b for a, b in zip(own, first, strict=True)))
        for first in [[each[0] for each in rounds]]
        for own in zip(*rounds, strict=True)
    ]


def _seconds(network: Callable[[Tensor], Tensor], x: Tensor) -> float:
    start = time.perf_counter()
    network(x)
    return time.perf_counter() - start
