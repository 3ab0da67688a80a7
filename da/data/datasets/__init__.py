"""Data sets, one file each, and the table of benchmarks that they form."""

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
"""Each benchmark, and its module, which has `DOMAINS`, `SYNTAX`, `pair` and `open_domain`.

`DOMAINS` names its domains; '' stands for a domain that needs no name. `SYNTAX` shows how its tasks
are written. `pair(names)` splits these into source and target, or into the one domain of a
supervised task and ''. `open_domain(name)` opens a domain. A module with `ANY_SIDE`, whose images
have no size of their own, takes `open_domain(name, side)`. A module with `SKIPS_BAD`, which decodes
files of the user's own, takes `open_domain(name, skip_bad=True)` too, and has
`check_images(name)` where a task has two domains.
"""


def dataset_module(benchmark: str) -> Any:
    """Import the module of a benchmark by its name."""
    return import_module(f"da.data.datasets.{BENCHMARKS[benchmark]}")
