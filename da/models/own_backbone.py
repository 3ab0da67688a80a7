"""Backbones that are objects of the user's: any module from a batch to features."""

import hashlib
import inspect
import sys
from copy import deepcopy

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from da.config.choices import OWN
from da.config.validation import shorten_text
from da.models.backbone import SIDES, Backbone, fingerprint

_LIBRARIES = {"torch", "torchvision", "timm", "transformers", "open_clip"}
"""Packages whose code is known by their version."""

_PLAIN = bool, int, float, str, tuple
"""Types of attributes that are settings of a module."""

_known: dict[str, "OwnBackbone"] = {}


class OwnBackbone(Backbone):
    """A user's module, whose maps of features are averaged over their pixels.

    Args:
        body: Module from images `b 3 h w` with values in 0..1, or from features `b d`, to features.
        width: Number of its features; 0 until it is found.
    """

    def __init__(self, body: nn.Module, width: int = 0) -> None:
        super().__init__(body, width, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Tensor:
        """Return features `b d` of images, which are bytes or numbers in 0..1, or of features."""
        images = x.ndim == 4 and x.shape[1] == len(self.mean)
        if images:
            x = self.normalize(x)
        elif x.dtype == torch.uint8:
            x = x.float() / 255
        f = self.body(x)
        return f.mean((2, 3)) if f.ndim == 4 else f


def register_backbone(module: nn.Module, side: int = 0, name: str = "") -> str:
    """Keep a copy of a module, with its weights of now, and return the name of this backbone.

    Args:
        module: Module that maps a batch to `b d`, or to `b d h w`, which is averaged.
        side: Width of its images, in pixels; 0 to try usual ones.
        name: Name that it has in another process; empty for its class and digest.

    Raises:
        ValueError: If it gives no features of images, nor of rows of numbers.
    """
    if any(is_lazy(x) for x in module.state_dict(keep_vars=True).values()):
        raise ValueError(f"{_path(module)} has lazy layers: pass one batch through it first")
    name = name or f"{OWN}{_path(module)}-{_digest(module)}"
    if name not in _known:
        own = OwnBackbone(deepcopy(module).cpu())
        own.width = _find_width(own, side)
        _known[name] = own
    return name


def is_own(name: str) -> bool:
    """Return whether a backbone's name is that of a user's object."""
    return name.startswith(OWN)


def find_backbone(name: str) -> nn.Module | None:
    """Return the user's module of that name, or None for another backbone or process."""
    return _known[name].body if name in _known else None


def build_own(name: str, *, init: str) -> OwnBackbone:
    """Return a copy of the user's module, with its first weights.

    Args:
        name: Name of the backbone.
        init: Origin of its weights. Those of a run are loaded afterwards, so that any module of
            the class serves.

    Raises:
        ValueError: If there is no such module in this process, or its weights would be random.
    """
    if init == "random":
        raise ValueError(f"{name} begins with the weights that it holds: set init to pretrained")
    path = name.rpartition("-")[0]
    alike = [own for known, own in _known.items() if known.rpartition("-")[0] == path]
    found = _known.get(name) or (alike[-1] if alike and init != "pretrained" else None)
    if found is None:
        raise ValueError(
            f"backbone {name} is an object of Python: build its run again in this process, by "
            "da.Run(..., backbone=MODULE)"
        )
    return deepcopy(found)


def _path(module: nn.Module) -> str:
    kind = module.__class__
    return f"{kind.__module__}.{kind.__qualname__}".replace("<locals>.", "")


def _digest(module: nn.Module) -> str:
    """Return a digest of a module's weights, its plain settings, and its own code."""
    found = hashlib.sha256(f"{fingerprint(module)} {module!r}".encode())
    for part in module.modules():
        plain = {name: value for name, value in vars(part).items() if isinstance(value, _PLAIN)}
        found.update(repr(sorted((plain | {"training": None}).items())).encode())
    for kind in sorted({part.__class__ for part in module.modules()}, key=str):
        if kind.__module__.partition(".")[0] not in _LIBRARIES:
            found.update(_source(kind).encode())
    return found.hexdigest()[:12]


def _source(kind: type) -> str:
    try:
        return inspect.getsource(kind)
    except (OSError, TypeError):  # typed at a prompt
        return f"{kind.__qualname__} of Python {sys.version_info[:2]}"


@torch.no_grad()
def count_features(own: OwnBackbone, x: Shaped[Tensor, "b ..."]) -> int:
    """Return the number of features of a batch, found by a pass that changes nothing.

    Raises:
        ValueError: If there is not one row of features for each image.
    """
    training = {module: module.training for module in own.modules()}
    with torch.random.fork_rng(devices=[]):
        try:
            shape = tuple(own.eval()(x).shape)
        finally:
            for module, before in training.items():
                module.training = before
    if len(shape) != 2 or shape[0] != len(x):
        raise ValueError(f"its output has the shape {shape}, not b d or b d h w")
    return shape[1]


def _find_width(own: OwnBackbone, side: int) -> int:
    """Return the number of features, found by a pass of zeros of the first size that fits.

    Raises:
        ValueError: If no size does; the message has the error of the first.
    """
    sizes = dict.fromkeys([side or 224, *reversed(SIDES)])
    linear = [m.in_features for m in own.modules() if isinstance(m, nn.Linear)][:1]
    faults = []
    for shape in [*((2, 3, size, size) for size in sizes), *((2, n) for n in linear)]:
        try:
            return count_features(own, torch.zeros(shape))
        except Exception as error:  # each module has its own error for input that does not fit
            kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
            faults.append(f"{kind}{error}")
    raise ValueError(
        f"{_path(own.body)} is no backbone for images b 3 h w: "
        f"{shorten_text(faults[0].partition(chr(10))[0], 160)}"
    )
