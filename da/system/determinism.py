"""Computations that give the same numbers each time on one machine."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

WORKSPACE = "CUBLAS_WORKSPACE_CONFIG"
"""Environment variable without which cuBLAS may give other sums each time."""

_SIZES = ":4096:8"


def prepare_gpu() -> None:
    """Set `WORKSPACE`, which PyTorch reads once: before the first product on a GPU."""
    os.environ.setdefault(WORKSPACE, _SIZES)


@contextmanager
def deterministic_operations() -> Iterator[None]:
    """Use only deterministic operations in the block; an operation without one is a RuntimeError.

    On a CPU, sums also depend on the number of threads: see `one_thread`.
    """
    cudnn = torch.backends.cudnn
    algorithms = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    usual = cudnn.deterministic, cudnn.benchmark
    workspace = os.environ.get(WORKSPACE)
    torch.use_deterministic_algorithms(True)
    cudnn.deterministic, cudnn.benchmark = True, False
    os.environ[WORKSPACE] = _SIZES
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms, warn_only=warns)
        cudnn.deterministic, cudnn.benchmark = usual
        del os.environ[WORKSPACE]
        os.environ |= {WORKSPACE: workspace} if workspace else {}
