"""Networks of timm as feature extractors, and the search for a name in timm and torchvision."""

import difflib
import os
import socket
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any
from urllib.request import getproxies

from da.config.backbone_names import written_names
from da.models.backbone import Backbone
from da.models.backbones._torchvision import from_torchvision


def build_from_library(name: str, pretrained: bool, hidden: bool = True) -> Backbone:
    """Build a backbone from a network of torchvision or timm; torchvision comes first.

    Args:
        name: Name of the network.
        pretrained: Whether to load pretrained weights; random ones otherwise.
        hidden: Whether to keep the hidden layers of the network's classifier.

    Raises:
        ValueError: Where the name is unknown, or its weights cannot be loaded.
    """
    timm = import_timm()
    from torchvision import models

    if name in models.list_models(models):
        return _build_or_explain(from_torchvision, name, pretrained, hidden)
    if timm.is_model(name):
        return build_from_timm(name, pretrained, hidden)
    every = {*timm.list_models(), *models.list_models(models)}
    known = ", ".join([*written_names(), *difflib.get_close_matches(name, every, 3)])
    raise ValueError(f"unknown backbone {name!r}, known: {known}, any of timm or torchvision")


def build_from_timm(name: str, pretrained: bool, hidden: bool = True) -> Backbone:
    """Build a backbone from a network of timm, or from one that a repository describes.

    Args:
        name: Name of the network, or `hf-hub:OWNER/NAME`.
        pretrained: Whether to load pretrained weights; random ones otherwise.
        hidden: Whether to keep the hidden layers of the network's classifier.

    Raises:
        ValueError: Where the name is unknown, or its weights cannot be loaded.
    """
    timm = import_timm()
    if not name.startswith("hf-hub:") and not timm.is_model(name):
        near = ", ".join(difflib.get_close_matches(name, timm.list_models(), 3))
        raise ValueError(f"unknown network {name!r} of timm, known: {near or 'timm.list_models()'}")
    return _build_or_explain(_from_timm, name, pretrained, hidden)


def _build_or_explain(
    build: Callable[..., Backbone], name: str, pretrained: bool, hidden: bool
) -> Backbone:
    try:
        return build(name, pretrained, hidden)
    except Exception as error:
        kind = "pretrained " if pretrained else ""
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"no {kind}{name}: {reason}; "
            "known without a network: efficientnet_lite0, what its library's cache holds, "
            "or --init random"
        ) from error


def _from_timm(name: str, pretrained: bool, hidden: bool) -> Backbone:
    if pretrained or name.startswith("hf-hub:"):
        look_for_hub()
    body = import_timm().create_model(name, pretrained=pretrained, num_classes=0)
    width = getattr(body, "head_hidden_size", None) or body.num_features
    if width != body.num_features and not hidden:
        raise ValueError("hidden layers of its classifier go only with torchvision's networks")
    wants = body.pretrained_cfg
    side, how = wants["input_size"][-1], wants["interpolation"]
    return Backbone(body, width, wants["mean"], wants["std"], side, how)


def import_timm() -> Any:
    """Import timm without its warnings, and return it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # timm scripts functions at import; torch deprecates that
        import timm
    return timm


@cache
def look_for_hub() -> None:
    """Set the hub offline if it cannot be reached: retries would take most of a minute."""
    from huggingface_hub import constants

    if "HF_HUB_OFFLINE" in os.environ or getproxies():
        return
    try:
        socket.getaddrinfo("huggingface.co", 443)
    except OSError:
        constants.HF_HUB_OFFLINE = True
