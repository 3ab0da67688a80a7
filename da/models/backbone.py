"""Networks of timm and torchvision as feature extractors: without classifier, with normalisation.

The only import of either.
"""

import difflib
import os
import socket
import warnings
from collections.abc import Sequence
from functools import cache
from itertools import takewhile
from typing import Any
from urllib.request import getproxies

import torch
from einops import rearrange
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.data.transforms import Interpolation, scale
from da.ops.functional import under_transforms
from da.system.threads import each

_CACHED = 2**19
"""Numbers that a thread normalises at a time: they stay in a cache, and every thread has some."""


class Backbone(nn.Module):
    """A network without its classifier, behind the normalisation that belongs to its weights."""

    mean: Tensor
    std: Tensor
    layout = torch.channels_last
    """Memory format of the images inside."""

    def __init__(
        self,
        body: nn.Module,
        width: int,
        mean: Sequence[float],
        std: Sequence[float],
        side: int = 0,
        interpolation: Interpolation = "bilinear",
    ) -> None:
        super().__init__()
        self.body = body
        self.width = width
        self.side = side
        """Pixels of the input that the weights were trained with; 0 where they were not."""
        self.interpolation = interpolation
        """How images were brought to that size."""
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Features of images, of bytes or of numbers in 0..1."""
        return self.body(self.normalised(x))

    def normalised(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` in 0..1 less the mean, over the standard deviation, in the memory format `layout`.

        A few images at a time, which stay in a CPU's caches from one operation to the next.
        """
        if torch.compiler.is_exporting() or under_transforms() or x.requires_grad:
            return (scale(x) - self.mean) / self.std
        out = torch.empty_like(x, dtype=_real(x), memory_format=self.layout)
        mean, std, lines = self.mean, self.std, out
        if self.layout == torch.channels_last:
            # whole rows of pixels, since three channels are too few for vector instructions
            mean, std = (v.flatten().repeat(x.shape[3]) for v in (mean, std))
            lines = rearrange(out, "b c h w -> b h (w c)")

        def write(part: Tensor, place: Tensor, line: Tensor) -> None:
            place.copy_(part)
            if x.dtype == torch.uint8:
                place.div_(255)
            line.sub_(mean).div_(std)

        few = len(x) if x.is_cuda else max(1, _CACHED // x[0].numel())
        each(write, zip(x.split(few), out.split(few), lines.split(few), strict=True))
        return out


def _real(x: Shaped[Tensor, "*_"]) -> torch.dtype:
    return x.dtype if x.is_floating_point() else torch.float32


def by_library(
    name: str, pretrained: bool, hidden: bool = True, own: Sequence[str] = ()
) -> Backbone:
    """The network `name`; `hidden` keeps the hidden layers of its classifier.

    Raises ValueError for an unknown name, of which `own` are known besides, and for weights that
    are not to be had.
    """
    timm = import_timm()
    from torchvision import models

    in_torchvision = name in models.list_models(models)
    if not in_torchvision and not timm.is_model(name):
        every = {*timm.list_models(), *models.list_models(models)}
        known = ", ".join([*own, *difflib.get_close_matches(name, every, 3)])
        raise ValueError(f"unknown backbone {name!r}, known: {known}, any of timm or torchvision")
    try:
        return (_from_torchvision if in_torchvision else _from_timm)(name, pretrained, hidden)
    except Exception as error:
        raise ValueError(
            f"no {'pretrained ' * pretrained}{name}: {str(error).partition(chr(10))[0]}; "
            "known without a network: efficientnet_lite0, what its library's cache holds, "
            "or --init random"
        ) from error


def _from_torchvision(name: str, pretrained: bool, hidden: bool) -> Backbone:
    """With the first weights that were published, which are those of most papers."""
    from torchvision import models

    weights = next(iter(models.get_model_weights(name)))
    body = models.get_model(name, weights=weights if pretrained else None)
    width = _take_off(body, hidden)
    normal = weights.transforms()
    side, how = normal.crop_size[0], normal.interpolation.value
    return Backbone(body, width, normal.mean, normal.std, side, how)


def _take_off(body: nn.Module, hidden: bool) -> int:
    """Take the classifier off a network of torchvision, or its last layer alone, where `hidden`.

    Gives the width of the features. What stands before the first linear layer stays in any case.
    """
    whole = next(name for name in ("fc", "classifier", "head", "heads") if hasattr(body, name))
    layers = list(body.get_submodule(whole).named_modules(prefix=whole))
    linear = [(path, layer) for path, layer in layers if isinstance(layer, nn.Linear)]
    if not linear:  # SqueezeNet's is a convolution
        (width,) = {layer.in_channels for _, layer in layers if isinstance(layer, nn.Conv2d)}
        body.set_submodule(whole, nn.AdaptiveAvgPool2d(1))
        return width
    if hidden or len(linear) == 1:
        path, last = linear[-1]
        body.set_submodule(path, nn.Identity())
        return last.in_features
    row, (_, first) = body.get_submodule(whole), linear[0]
    body.set_submodule(
        whole, nn.Sequential(*takewhile(lambda layer: layer is not first, row.children()))
    )
    return first.in_features


def _from_timm(name: str, pretrained: bool, hidden: bool) -> Backbone:
    if pretrained:
        _look_for_hub()
    body = import_timm().create_model(name, pretrained=pretrained, num_classes=0)
    width = getattr(body, "head_hidden_size", None) or body.num_features
    if width != body.num_features and not hidden:
        raise ValueError("hidden layers of its classifier go only with torchvision's networks")
    wants = body.pretrained_cfg
    side, how = wants["input_size"][-1], wants["interpolation"]
    return Backbone(body, width, wants["mean"], wants["std"], side, how)


def import_timm() -> Any:
    """timm, without what it says of itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # timm scripts functions at import, which torch deprecates
        import timm
    return timm


@cache
def _look_for_hub() -> None:
    """Where no hub can be reached, say so beforehand: it would be retried for most of a minute."""
    from huggingface_hub import constants

    if "HF_HUB_OFFLINE" in os.environ or getproxies():
        return
    try:
        socket.getaddrinfo("huggingface.co", 443)
    except OSError:
        constants.HF_HUB_OFFLINE = True
