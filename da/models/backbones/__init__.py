"""Feature extractors by name: a file each, those of timm and torchvision, and your own.

Each takes images in 0..1, normalizes them as in the training of its weights, and has a `width`:
the number of its features. A file has a function `build(pretrained)`, and may have

- `SYNTAX`, such as "timm:NAME": it builds many networks. Their names begin with the file's and a
  colon, and `build(pretrained, name)` gets what follows.
- parameters `hidden` and `side` of `build`: whether hidden layers of the classifier stay, and the
  pixels a side of the input, for networks of one size.
- `PRETRAINED = False`: it has no pretrained weights.
- a method `take_inputs(n)` of the network: it takes points of n numbers, and not images.
- a network of the class `TextEncoder`, which reads texts, or `TwoTowers`, which reads both.
- `WEIGHTS_SHA256` and `INTERPOLATION`: digest of the only pretrained weights, and how images were
  resized for them, so that stored features are found before the network is built.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache, partial
from inspect import signature
from pathlib import Path
from typing import Any

import torch
from torch import nn

from da.config.backbone_names import split_names, split_prefix
from da.config.choices import BEGINNINGS
from da.config.registry import BACKBONES
from da.config.validation import is_run_id
from da.models import pruning
from da.models.backbone import Backbone, set_normalization
from da.models.backbones._timm import build_from_library
from da.models.checkpoint_files import load_checkpoint, resample
from da.models.concatenation import Concatenation
from da.models.frozen_backbone import FrozenBackbone
from da.models.own_backbone import build_own, is_own
from da.models.saved_weights import load_weights, time_of_weights, weights_origin
from da.models.text_encoder import READERS, Tokenize, find_text_encoder
from da.system.content_files import find_file, is_file_name

BACKBONES.extend_package(__path__)


def build_backbone(
    name: str,
    init: str = "pretrained",
    *,
    hidden: bool = True,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
    texts: bool = False,
    side: int = 0,
    results: Path = Path("results"),
) -> nn.Module:
    """Build a backbone with pretrained or random weights, or those of a run or a file.

    Args:
        name: A file's, or any name of timm or torchvision; several that are joined by "+".
        init: Origin of the weights: `pretrained`, `random`, the id of a finished run, or a file as
            `da.system.content_files` names it.
        hidden: Whether hidden layers of the network's own classifier are part of the backbone.
        mean: Mean of the three color channels, 0 to 1; empty for that of the weights' training.
        std: Standard deviation of the three channels; empty for that of the weights' training.
        texts: Whether it reads texts: of two towers, the one that does.
        side: Pixels a side of the input, for networks of one size; 0 for that of their weights.
        results: Folder of the records of runs.

    Raises:
        ValueError: Where the name is unknown, or the weights are neither stored nor available.
    """
    init = weights_origin(init, results)
    if len(names := split_names(name)) > 1:
        make = partial(build_backbone, hidden=hidden, mean=mean, std=std, side=side)
        return Concatenation([make(each, init, results=results) for each in names])
    pretrained = init == "pretrained"
    own = is_own(name)
    with _seeded(is_file_name(init)):
        backbone = build_own(name, init=init) if own else _build(name, pretrained, hidden, side)
    if texts:
        backbone = find_text_encoder(backbone, name)
    if is_file_name(init):
        load_checkpoint(backbone, find_file(init), name)
    elif init not in BEGINNINGS:
        _load_run(backbone, name, init, results)
    silent = own or init == "random" or is_file_name(init)
    for what, given in (("mean", mean), ("std", std)):
        if given:
            set_normalization(backbone, what, given, "" if silent else name)
    return backbone


def _load_run(backbone: nn.Module, name: str, run_id: str, results: Path) -> None:
    """Load the weights of a finished run, whose images may have had another size."""
    try:
        state = load_weights(run_id, results=results)
        if pruning.NARROWED in state:
            pruning.take_shapes(backbone, state)
        wanted = backbone.state_dict()
        other = any(x.shape != wanted[k].shape for k, x in state.items() if k in wanted)
        if other and isinstance(backbone, Backbone):
            plain = {k.removeprefix("body."): x for k, x in state.items()}
            state = {f"body.{k}": x for k, x in resample(backbone.body, plain).items()}
        backbone.load_state_dict(state)
    except (RuntimeError, AttributeError) as error:
        raise ValueError(
            f"run {run_id!r} has no weights for {name}: known are runs of regime full with it"
        ) from error


@contextmanager
def _seeded(wanted: bool) -> Iterator[None]:
    """Draw random weights in the block from one seed, so that a file's gaps are always the same."""
    if not wanted:
        yield
        return
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield


def _build(name: str, pretrained: bool, hidden: bool, side: int) -> nn.Module:
    if name.partition(":")[0] not in BACKBONES and ":" not in name:
        return build_from_library(name, pretrained, hidden, side)
    prefix, rest = split_prefix(name)
    if pretrained and not BACKBONES.constants(prefix).get("PRETRAINED", True):
        raise ValueError(f"{name} has no pretrained weights: use --init random, or a run's id")
    build = BACKBONES[prefix].build
    options = {"hidden": hidden, "side": side} | ({"name": rest} if rest else {})
    taken = signature(build).parameters
    backbone = build(pretrained, **{k: v for k, v in options.items() if k in taken})
    if not isinstance(getattr(backbone, "width", None), int):
        raise ValueError(f"{BACKBONES.find(prefix).file}: the network has no width, a whole number")
    return backbone


def build_tokenizer(name: str) -> Tokenize:
    """Build what turns texts into tokens for a backbone, without its weights.

    Raises:
        ValueError: If there is no such backbone here, or it reads no texts.
    """
    prefix, rest = split_prefix(name)
    build = getattr(BACKBONES[prefix], "build_tokenizer", None)
    if not build:
        raise ValueError(f"backbone {name} reads no texts, known: {READERS}")
    return build(rest)


def frozen_backbone(
    name: str,
    init: str = "pretrained",
    hidden: bool = True,
    mean: tuple[float, ...] = (),
    std: tuple[float, ...] = (),
    texts: bool = False,
    side: int = 0,
    results: Path = Path("results"),
) -> FrozenBackbone:
    """Prepare a frozen backbone that many runs share; its network is built when first needed.

    Weights that come from one known file are not hashed again. For them timm is not imported until
    features are computed, since its import takes seconds.

    Args:
        name: A file's, or any name of timm or torchvision.
        init: Origin of the weights: `pretrained`, `random`, or the id of a finished run.
        hidden: Whether hidden layers of the network's own classifier are part of the backbone.
        mean: Mean of the three color channels, 0 to 1; empty for that of the weights' training.
        std: Standard deviation of the three channels; empty for that of the weights' training.
        texts: Whether it reads texts: of two towers, the one that does.
        side: Pixels a side of the input, for networks of one size; 0 for that of their weights.
        results: Folder of the records of runs.
    """
    changed = time_of_weights(init, results) if is_run_id(init) else 0
    return _frozen_backbone(name, init, hidden, mean, std, texts, side, results.absolute(), changed)


@lru_cache(maxsize=4)
def _frozen_backbone(
    name: str,
    init: str,
    hidden: bool,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    texts: bool,
    side: int,
    results: Path,
    changed: int,
) -> FrozenBackbone:
    """Prepare it, again where the file of its weights has changed; see `frozen_backbone`."""
    about = BACKBONES.constants(name) if name in BACKBONES and init == "pretrained" else {}
    digest = f"{name} {about['WEIGHTS_SHA256']}" if "WEIGHTS_SHA256" in about else ""
    if is_own(name) and init == "pretrained":
        digest = name
    by_hand = f" {mean} {std}" if mean or std else ""
    options: dict[str, Any] = {"hidden": hidden, "mean": mean, "std": std, "texts": texts}
    make = partial(build_backbone, name, init, **options, side=side, results=results)
    return FrozenBackbone(make, digest, by_hand, about.get("INTERPOLATION"), name)
