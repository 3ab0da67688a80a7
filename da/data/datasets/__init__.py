"""Data sets, one file each, and the benchmarks that they make."""

from importlib import import_module
from typing import Any

BENCHMARKS = {
    "emoji": "emoji",
    "digits": "digits",
    "folder": "folder",
    "moons": "moons",
    "imagefolder": "imagefolder",
    "cifar10": "cifar10",
    "fashion_mnist": "fashion_mnist",
    "luna16": "luna16",
    "luna16-2d": "luna16_2d",
}
"""Benchmark to its module: `DOMAINS`, `SYNTAX`, `pair(names)`, `open_domain(name)`.

`pair` gives source and target, or the one domain of a supervised task and ''. `DOMAINS` has '' for
a domain that needs no name. A module with `ANY_SIDE`, whose images have no size of their own, takes
`open_domain(name, side)`.
"""


def dataset_module(benchmark: str) -> Any:
    """The module of a benchmark, by its name."""
    return import_module(f"da.data.datasets.{BENCHMARKS[benchmark]}")
