"""Networks of timm as feature extractors, and the look-up of a name in timm and torchvision."""

import difflib
import os
import socket
import warnings
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.request import getproxies

from da.models.backbone import Backbone
from da.models.backbones.torchvision_models import from_torchvision


def build_from_library(
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
        return (from_torchvision if in_torchvision else _from_timm)(name, pretrained, hidden)
    except Exception as error:
        raise ValueError(
            f"no {'pretrained ' * pretrained}{name}: {str(error).partition(chr(10))[0]}; "
            "known without a network: efficientnet_lite0, what its library's cache holds, "
            "or --init random"
        ) from error


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
