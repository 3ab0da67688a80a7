"""Feature extractors by name.

Each takes images in 0..1, normalizes them as in the training of its weights, and has a `width`:
the number of its features.
"""

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

from torch import nn

from da.models import pruning
from da.models.backbone import set_normalization
from da.models.backbones import efficientnet_lite0, lenet
from da.models.backbones.efficientnet_lite0 import LITE0_INTERPOLATION, LITE0_SHA256
from da.models.backbones.mlp import MLP
from da.models.backbones.timm_models import build_from_library
from da.models.features import FrozenBackbone
from da.models.saved_weights import BEGINNINGS, load_weights, time_of_weights, weights_origin

OWN = "efficientnet_lite0", "lenet", "mlp"
"""Backbones that need no internet access; any name of timm or torchvision is known too."""


def build_backbone(
    name: str,
    init: str = "pretrained",
    *,
    hidden: bool = True,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    results: Path = Path("results"),
) -> nn.Module:
    """Build a backbone with pretrained weights, random weights, or the weights of a run.

    Args:
        name: One of `OWN`, or any name of timm or torchvision.
        init: Origin of the weights: `pretrained`, `random`, or the id of a finished run.
        hidden: Whether hidden layers of the network's own classifier are part of the backbone.
        mean: Mean of the three color channels, 0 to 1; empty for that of the weights' training.
        std: Standard deviation of the three channels; empty for that of the weights' training.
        results: Folder of the records of runs.

    Raises:
        ValueError: Where the name is unknown, or the weights are neither stored nor available.
    """
    init = weights_origin(init, results)
    pretrained = init == "pretrained"
    if pretrained and name in ("lenet", "mlp"):
        raise ValueError(f"{name} has no pretrained weights: use --init random, or a run's id")
    if name == "mlp":
        backbone: nn.Module = MLP(2)
    elif name == "lenet":
        backbone = lenet.build()
    elif name == "efficientnet_lite0":
        backbone = efficientnet_lite0.build(pretrained)
    else:
        backbone = build_from_library(name, pretrained, hidden, OWN)
    if init not in BEGINNINGS:
        try:
            state = load_weights(init, results=results)
            if pruning.NARROWED in state:
                pruning.take_shapes(backbone, state)
            backbone.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"run {init!r} has no weights for {name}: known are runs of regime full with it"
            ) from error
    for what, given in (("mean", mean), ("std", std)):
        if given:
            set_normalization(backbone, what, given, "" if init == "random" else name)
    return backbone


def frozen_backbone(
    name: str,
    init: str = "pretrained",
    hidden: bool = True,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    results: Path = Path("results"),
) -> FrozenBackbone:
    """Prepare a frozen backbone that many runs share; its network is built when first needed.

    Weights that come from one known file are not hashed again. For them timm is not imported until
    features are computed, since its import takes seconds.

    Args:
        name: One of `OWN`, or any name of timm or torchvision.
        init: Origin of the weights: `pretrained`, `random`, or the id of a finished run.
        hidden: Whether hidden layers of the network's own classifier are part of the backbone.
        mean: Mean of the three color channels, 0 to 1; empty for that of the weights' training.
        std: Standard deviation of the three channels; empty for that of the weights' training.
        results: Folder of the records of runs.
    """
    changed = 0 if init in BEGINNINGS else time_of_weights(init, results)
    return _frozen_backbone(name, init, hidden, mean, std, results.absolute(), changed)


@lru_cache(maxsize=2)
def _frozen_backbone(
    name: str,
    init: str,
    hidden: bool,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    results: Path,
    changed: int,
) -> FrozenBackbone:
    """Prepare it, again where the file of its weights has changed; see `frozen_backbone`."""
    known = (name, init) == ("efficientnet_lite0", "pretrained")
    digest = f"{name} {LITE0_SHA256}" if known else ""
    by_hand = f" {mean} {std}" if mean or std else ""
    how = LITE0_INTERPOLATION if known else None
    make = partial(build_backbone, name, init, hidden=hidden, mean=mean, std=std, results=results)
    return FrozenBackbone(make, digest, by_hand, how, name)
