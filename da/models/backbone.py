"""The class of all backbones, and checks that images fit a backbone."""

import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from itertools import chain
from typing import Any

import torch
from einops import rearrange
from jaxtyping import Float, Int, Shaped
from torch import Tensor, nn

from da.config.choices import Interpolation
from da.data.image_ops import scale
from da.ops.functional import under_transforms
from da.system.threads import map_in_threads

_CACHED = 2**19
"""Numbers that a thread normalizes at a time: they fit in a cache, and all threads get some."""


class Backbone(nn.Module):
    """A network without its classifier, which first normalizes images as its weights need it."""

    mean: Tensor
    std: Tensor
    layout = torch.channels_last
    """Memory format of images inside the network."""
    tag = ""
    """Full name of the pretrained weights, with that of their library; empty for none."""
    at_side: Callable[[int], "Backbone"] | None = None
    """Function that builds the network without weights for another size; None if any size does."""

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
        """Pixels a side of the images that the weights were trained with; 0 for no training."""
        self.interpolation = interpolation
        """How images were resized to that size."""
        self.register_buffer("mean", torch.tensor(mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(std)[:, None, None], persistent=False)

    def forward(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b d"]:
        """Return features of images, which are bytes or numbers in 0..1."""
        return self.body(self.normalize(x))

    def normalize(self, x: Shaped[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """Scale `x` to 0..1, subtract the mean and divide by the standard deviation.

        The result has the memory format `layout`. Images are normalized a few at a time, which
        stay in a CPU's caches from one operation to the next.
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
        map_in_threads(write, zip(x.split(few), out.split(few), lines.split(few), strict=True))
        return out


def _real(x: Shaped[Tensor, "*_"]) -> torch.dtype:
    return x.dtype if x.is_floating_point() else torch.float32


class Features(nn.Module):
    """A stand-in for a frozen backbone whose input is features that were computed before.

    It selects `columns` of them where it has some. These are stored with a run's weights.
    """

    columns: Tensor | None
    tag = ""
    """Full name of the pretrained weights of the backbone that it stands for."""

    def __init__(self, width: int, columns: Int[Tensor, "_"] | None = None):
        super().__init__()
        self.width = width if columns is None else len(columns)
        own = None if columns is None else columns.clone()  # a file may hold them, and change
        self.register_buffer("columns", own)

    def forward(self, f: Shaped[Tensor, "*b d"]) -> Shaped[Tensor, "*b _"]:
        """Select `columns` of the features; features that are selected already stay as they are."""
        if self.columns is None or f.shape[-1] == self.width:
            return f
        return f[..., self.columns]


def set_normalization(backbone: nn.Module, what: str, given: Sequence[float], name: str) -> None:
    """Replace the normalization of a backbone, and warn where its weights need another one.

    Args:
        backbone: Backbone that is changed.
        what: What is replaced: `mean` or `std`.
        given: Three numbers, one a color channel.
        name: Name of the backbone in the warning; empty for no warning.

    Raises:
        ValueError: Where `given` are not three numbers, or the backbone takes no images.
    """
    if not isinstance(backbone, Backbone) or len(given) != 3:
        raise ValueError(f"{what} {tuple(given)} by hand, known: three numbers, for images")
    wanted = getattr(backbone, what).flatten()
    setattr(backbone, what, torch.tensor(given)[:, None, None])
    if name and not torch.allclose(torch.tensor(given), wanted, atol=1e-3):
        numbers = " ".join(f"{value:.4g}" for value in wanted.tolist())
        _warn(f"{what} {tuple(given)} by hand, the weights of {name} want {numbers}")


def interpolation(backbone: nn.Module) -> Interpolation:
    """Return how images are resized for a backbone; `bilinear` where it does not say."""
    return backbone.interpolation if isinstance(backbone, Backbone) else "bilinear"


def check_resize(backbone: nn.Module, name: str, **by_hand: int | str) -> None:
    """Warn where images have another size or interpolation than in the training of the weights.

    Args:
        backbone: Backbone with the wanted values as attributes.
        name: Name of the backbone in the warning.
        by_hand: Values that the user chose: `side` in pixels, or `interpolation`.
    """
    for what, given in by_hand.items():
        if (wanted := getattr(backbone, what, 0)) and given != wanted:
            _warn(f"{what} {given} by hand, the weights of {name} want {wanted}")


SIDES = 28, 32, 64, 96, 224, 256, 384
"""Common input sizes in pixels a side, tried for the error where images do not fit."""


def take_inputs(backbone: nn.Module, inputs: int) -> None:
    """Tell a backbone for points, which has a method `take_inputs`, how many numbers these have."""
    if (take := getattr(backbone, "take_inputs", None)) is not None:
        take(inputs)


def check_fit(backbone: nn.Module, name: str, x: Shaped[Tensor, "b ..."]) -> None:
    """Check that a backbone can compute features of its input.

    The backbone does not change, but for one of points: it is told how many numbers these have. The
    trial leaves the run's random numbers unused.

    Args:
        backbone: Backbone that is tried.
        name: Name of the backbone in the error.
        x: Some of its input: images or points.

    Raises:
        ValueError: Where the backbone does not fit the input.
    """
    if x.ndim == 2:
        take_inputs(backbone, x.shape[1])
    if not (why := _misfit(backbone, x)):
        return
    if x.dtype == torch.int64:
        given, known = f"texts ({why})", "hf:NAME of an encoder of texts"
    elif x.ndim == 2:
        given = f"points of {x.shape[1]} numbers"
        known = "identity, or mlp with regime full and init random"
    else:
        given = f"images of {x.shape[-1]} x {x.shape[-2]} pixels"
        build = getattr(backbone, "at_side", None) or (lambda side: backbone)
        sides = known_sides(build, getattr(backbone, "side", 0), x.shape[1])
        known = sides or "backbones for images"
        given += "" if sides else f" ({why})"
    raise ValueError(f"backbone {name} does not fit {given}, known: {known}")


def known_sides(build: Callable[[int], nn.Module], usual: int, channels: int = 3) -> str:
    """Return the common sizes of images that a network fits, as `side 64 or 96`; "" for none.

    Args:
        build: Function from a size to the network for it.
        usual: Size that is tried too; 0 for none.
        channels: Channels of the images.
    """
    every = sorted({*SIDES, usual} - {0})
    fit = " or ".join(map(str, filter(lambda side: _fits(build, channels, side), every)))
    return f"side {fit}" if fit else ""


def _fits(build: Callable[[int], nn.Module], channels: int, side: int) -> bool:
    try:
        network = build(side)
        place = next(chain(network.parameters(), network.buffers())).device
        return not _misfit(network, torch.zeros(2, channels, side, side, device=place))
    except Exception:  # libraries have all kinds of errors for a size that a network cannot have
        return False


@torch.no_grad()
def _misfit(backbone: nn.Module, x: Shaped[Tensor, "b ..."]) -> str:
    """Say why `backbone`, in evaluation mode, gives no `backbone.width` features of `x`; or ""."""
    modes = {module: module.training for module in backbone.modules()}
    with torch.random.fork_rng(devices=[]):
        try:
            given, wanted = tuple(backbone.eval()(x).shape), (len(x), backbone.width)
            return "" if given == wanted else f"features are {given}, with its width {wanted}"
        except Exception as error:  # each library has its own error for input that does not fit
            return f"{type(error).__name__}: {error}".partition("\n")[0]
        finally:
            for module, training in modes.items():
                module.training = training


@cache
def _warn(text: str) -> None:
    """Print a warning once in a process, however many runs it concerns."""
    print(f"warning: {text}", file=sys.stderr)


def fingerprint(backbone: nn.Module) -> str:
    """Return the SHA-256 of all weights, with what else a backbone says that features depend on."""
    return hash_weights(backbone.state_dict()) + getattr(backbone, "about", "")


def hash_weights(state: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the weights in `state` and of their names."""
    digest = hashlib.sha256()
    for name, weight in state.items():
        if isinstance(weight, Tensor):
            digest.update(name.encode())
            content = weight.detach().cpu().contiguous().flatten().view(torch.uint8)
            digest.update(content.numpy().data)
    return digest.hexdigest()
