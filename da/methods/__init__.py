"""Every method, one to a file."""

from importlib import import_module
from pkgutil import iter_modules

from da.methods.base import METHODS, Batch, Losses, Method, Network, Phase

__all__ = ["METHODS", "Batch", "Losses", "Method", "Network", "Phase"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
