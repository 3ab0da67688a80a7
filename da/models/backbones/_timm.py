"""Networks of timm as feature extractors, and the search for a name in timm and torchvision."""

import os
import socket
import warnings
from collections.abc import Callable
from functools import cache, partial
from typing import Any
from urllib.request import getproxies

import torch

from da.config.backbone_names import near_names, written_names
from da.models.backbone import Backbone, known_sides
from da.models.backbones._torchvision import from_torchvision

HUB = "hf-hub:"
"""How timm writes networks of the Hugging Face hub."""


class WrongNetworkError(ValueError):
    """Raised where no network of that name can be built; the message is whole."""


def build_from_library(name: str, pretrained: bool, hidden: bool = True, side: int = 0) -> Backbone:
    """Build a backbone from a network of torchvision or timm; torchvision comes first.

    Args:
        name: Name of the network.
        pretrained: Whether to load pretrained weights; random ones otherwise.
        hidden: Whether to keep the hidden layers of the network's classifier.
        side: Pixels a side of its input; 0 for those of its weights.

    Raises:
        ValueError: Where the name is unknown, or its weights cannot be loaded.
    """
    timm = import_timm()
    from torchvision import models

    if name in models.list_models(models):
        return _explain(lambda: from_torchvision(name, pretrained, hidden), name, pretrained)
    if timm.is_model(name):
        return build_from_timm(name, pretrained, hidden, side)
    near = near_names(name, dict.fromkeys([*models.list_models(models), *timm.list_models()]))
    like = f"perhaps {', '.join(near)}; " if near else ""
    raise ValueError(
        f"unknown backbone {name!r}: {like}known: {', '.join(written_names())}, any of timm or "
        "torchvision; see `da list backbones`"
    )


def build_from_timm(name: str, pretrained: bool, hidden: bool = True, side: int = 0) -> Backbone:
    """Build a backbone from a network of timm, or from one that a repository describes.

    Args:
        name: Name of the network, or `hf-hub:OWNER/NAME`.
        pretrained: Whether to load pretrained weights; random ones otherwise.
        hidden: Whether to keep the hidden layers of the network's classifier.
        side: Pixels a side of its input; 0 for those of its weights.

    Raises:
        ValueError: Where the name is unknown, or its weights cannot be loaded.
    """
    if not name.startswith(HUB):
        _check_name(name)
    return _explain(lambda: _from_timm(name, pretrained, hidden, side), name, pretrained)


def _check_name(name: str) -> None:
    """Check that timm has a network, and weights of the tag that may follow its name."""
    timm = import_timm()
    if not timm.is_model(name):
        near = ", ".join(near_names(name, timm.list_models())) or "timm.list_models()"
        raise ValueError(f"unknown network {name!r} of timm, known: {near}")
    base, _, tag = name.partition(".")
    tags = [other.partition(".")[2] for other in timm.list_pretrained(f"{base}.*")]
    if tag and tag not in tags:
        raise ValueError(f"unknown weights {tag!r} of {base}, known: {', '.join(tags) or 'none'}")


def _explain(build: Callable[[], Backbone], name: str, pretrained: bool) -> Backbone:
    """Build a backbone, and turn the errors of its library into one line."""
    try:
        return build()
    except WrongNetworkError:
        raise
    except Exception as error:
        kind = "pretrained " if pretrained else ""
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"no {kind}{name}: {reason}; "
            "known without a network: efficientnet_lite0, what its library's cache holds, "
            "or --init random"
        ) from error


def _from_timm(name: str, pretrained: bool, hidden: bool, side: int) -> Backbone:
    if pretrained or name.startswith(HUB):
        look_for_hub()
    wants = _settings(name)
    usual = wants["input_size"][-1]
    other = {"img_size": side} if wants["fixed_input_size"] and side not in (0, usual) else {}
    body = _create(name, pretrained, usual, other)
    width = getattr(body, "head_hidden_size", None) or body.num_features
    if width != body.num_features and not hidden:
        raise ValueError("hidden layers of its classifier go only with torchvision's networks")
    backbone = Backbone(body, width, wants["mean"], wants["std"], usual, wants["interpolation"])
    if wants["fixed_input_size"]:
        backbone.at_side = partial(_without_weights, name)
    if pretrained:
        own = wants["architecture"], wants["tag"]
        backbone.tag = f"timm {'.'.join(filter(None, own))}"
    return backbone


def _create(name: str, pretrained: bool, usual: int, other: dict[str, int]) -> Any:
    """Create a network of timm, whose position embeddings timm resamples to another size.

    Raises:
        WrongNetworkError: If its weights are of one size alone.
    """
    create = partial(import_timm().create_model, name, pretrained=pretrained, num_classes=0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of old names, and of code of timm's own
            return create(**other)
    except TypeError as error:
        if "img_size" not in str(error):
            raise
        return create()
    except Exception as error:
        if not other or isinstance(error, OSError):  # such as that there are no weights
            raise
        of = f"images of {other['img_size']} x {other['img_size']} pixels"
        if "loading state_dict" in str(error):
            text = f"the weights of {name} do not fit {of}, known: side {usual}"
        else:
            known = known_sides(partial(_without_weights, name), usual)
            text = f"backbone {name} does not fit {of}, known: {known}"
        raise WrongNetworkError(text) from error


def _settings(name: str) -> dict[str, Any]:
    """Return what timm says of a network's weights, such as the size of their images."""
    timm = import_timm()
    if about := None if name.startswith(HUB) else timm.get_pretrained_cfg(name):
        return about.to_dict()
    with torch.device("meta"):
        wants = timm.create_model(name).pretrained_cfg
    return wants | ({"architecture": name, "tag": ""} if name.startswith(HUB) else {})


def _without_weights(name: str, side: int) -> Backbone:
    """Build a network of timm for another size, with shapes in place of weights."""
    with torch.device("meta"):
        return _from_timm(name, False, True, side)


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
