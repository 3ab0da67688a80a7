"""Measured peak rates of this machine, and the number of operations that work asks for."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

CPU_SIDE, GPU_SIDE = 1024, 8192
"""Rows and columns of the multiplied matrices: so many that arithmetic sets the time."""


class Ceilings(NamedTuple):
    """Peak rates of a device, each the best of a few tries."""

    fp32: float
    """Rate of a product of float32 matrices, in FLOP/s."""
    bf16: float
    """Rate of a product of bfloat16 matrices, in FLOP/s."""
    copy: float
    """Bytes read plus bytes written per second, in a copy that no cache can hold."""


def measure_ceilings(device: torch.device) -> Ceilings:
    """Measure the peak rates of `device` with the current number of threads.

    They are measured once per process, in under a second.
    """
    return _measure(str(device), torch.get_num_threads())


def count_flops(work: Callable[[], object]) -> int:
    """Count the floating-point operations of matrix products and convolutions in `work()`."""
    known: dict[Any, Any] = {torch.ops.aten.convolution_backward: _convolution_backward}
    if torch.backends.mkldnn.is_available():
        known[torch.ops.mkldnn._linear_pointwise] = _product
    with FlopCounterMode(display=False, custom_mapping=known) as counter:
        work()
    return counter.get_total_flops()


def _product(a: Sequence[int], b: Sequence[int], *_: object, **__: object) -> int:
    """Count oneDNN's product of rows and weights, which PyTorch's counter does not know."""
    return 2 * prod(a) * b[0]


def _convolution_backward(
    grad: Sequence[int], x: Sequence[int], weight: Sequence[int], *rest: Any, **_: object
) -> int:
    """Count as much for each gradient as for the forward pass.

    PyTorch's own count ignores groups.
    """
    transposed, wanted = rest[4], rest[7]
    each = 2 * prod(x if transposed else grad) * prod(weight[1:])
    return each * sum(map(bool, wanted[:2]))


@lru_cache
def _measure(device: str, threads: int) -> Ceilings:
    on_gpu = device.startswith("cuda")
    side = GPU_SIDE if on_gpu else CPU_SIDE
    with torch.no_grad():
        return Ceilings(
            _matmul(torch.ones(side, side, device=device)),
            _matmul(torch.ones(side, side, device=device, dtype=torch.bfloat16)),
            _copy(torch.ones(2**30 if on_gpu else 2**25, device=device)),
        )


def _matmul(x: Tensor) -> float:
    """Return the FLOP/s of the fastest library: on some CPUs oneDNN is twice as fast as MKL."""
    seconds = _seconds(lambda: x @ x, x.is_cuda)
    if not x.is_cuda and torch.backends.mkldnn.is_available():
        with suppress(RuntimeError):  # oneDNN has no products of bfloat16 without AVX-512
            product = torch.ops.mkldnn._linear_pointwise
            seconds = min(seconds, _seconds(lambda: product(x, x, None, "none", [], ""), False))
    return 2 * len(x) ** 3 / seconds


def _copy(x: Tensor) -> float:
    to = torch.empty_like(x)
    return 2 * x.nbytes / _seconds(lambda: to.copy_(x), x.is_cuda)


def _seconds(call: Callable[[], object], on_gpu: bool, budget: float = 0.05) -> float:
    """Return the seconds of the shortest call, of at least three and for `budget` seconds."""
    best, end = float("inf"), time.perf_counter() + budget
    tries = 0
    while tries < 3 or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        if on_gpu:
            torch.cuda.synchronize()
        best = min(best, time.perf_counter() - start)
        tries += 1
    return best
