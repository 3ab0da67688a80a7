"""Features of whole domains by a frozen backbone, computed once and cached on disk."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.choices import Augment, Interpolation, Precision
from da.config.transforms import Transforms
from da.data.domain import Domain
from da.data.draws import generator
from da.data.stored_rows import split_rows, take_first
from da.data.texts import holds_texts
from da.data.transforms import shrinks, to_eval_input
from da.data.views import augment_images
from da.models.backbone import check_fit, fingerprint, interpolation
from da.models.fuse import fuse_batch_norms
from da.models.text_encoder import TextEncoder, find_text_encoder, to_tokens
from da.system.array_files import write_array_head
from da.system.cache import KEY, cache_home, make_once, remove_unused

RECIPE = 2
"""Cache version of features; increase it when the computation of features changes."""

CHUNK = 128
"""Images whose views are drawn together; a CPU's network takes fewer at a time, for its caches."""

SLOW = 5.0
"""Seconds of a chunk from which on the first one says enough of the others."""


@dataclass(frozen=True)
class Recipe:
    """The way in which pixels become features; part of the hash that names their file."""

    precision: Precision = "fp32"
    augment: Augment = "none"
    views: int = 0
    """Augmented views of every image, the same for every run; 0 for the plain image alone."""
    transforms: Transforms = field(default=Transforms(), repr=False)
    """Settings of the views; those that are not usual are in the hash too."""


class FrozenBackbone:
    """A backbone that no run trains, built when it is first needed.

    Its weights must not change: they are hashed once, or not at all where `digest` is given.

    Args:
        make: Function that builds the backbone.
        digest: Text that identifies the weights; empty for a hash of them.
        by_hand: Text that identifies other settings that the user chose; empty for none.
        interpolation: How images are resized for the backbone; None to ask the built network.
        name: Name of the backbone in errors.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        digest: str = "",
        by_hand: str = "",
        interpolation: Interpolation | None = None,
        name: str = "given",
    ):
        self.name = name
        self._make = make
        self._digest = digest
        self._by_hand = by_hand
        self._interpolation = interpolation

    @cached_property
    def network(self) -> nn.Module:
        """The built backbone; building it leaves the run's random numbers unused."""
        with torch.random.fork_rng():
            return self._make().eval().requires_grad_(False)

    @cached_property
    def digest(self) -> str:
        """Text that identifies the weights and the settings that the user chose."""
        return (self._digest or fingerprint(self.network)) + self._by_hand

    @cached_property
    def text_side(self) -> "FrozenBackbone":
        """The part of the backbone that reads texts, which may be all of it."""
        side = find_text_encoder(self.network, self.name)
        return self if side is self.network else FrozenBackbone(lambda: side, name=self.name)

    @property
    def tag(self) -> str:
        """Full name of the pretrained weights; empty where the name of the backbone says it all."""
        return "" if self._digest else getattr(self.network, "tag", "")

    @property
    def interpolation(self) -> Interpolation:
        """How images are resized to the input of the backbone."""
        return self._interpolation or interpolation(self.network)


def extract_features(
    domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> Domain:
    """Return `domain` with features in place of pixels, scaled to a root mean square of 1.

    Features are `b d`. With views they are `b v d`: the plain image, then its augmented views. All
    runs that need the same features read the same file, and runs of one process share a tensor.

    Args:
        domain: Domain of images.
        backbone: Backbone that computes the features.
        recipe: Precision, augmentation and number of views.
        device: Device of the computation.
    """
    files = [
        _make_file(file, part, backbone, recipe, device)
        for file, part in list_files(domain, backbone, recipe)
    ]
    return replace(domain, x=_read(*((file, file.stat().st_ino) for file in files)))


def _make_file(
    file: Path, domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> Path:
    """Return the file with the features of one domain, which is made first if it is missing."""
    return make_once(
        file,
        lambda part: _compute(part, domain, backbone, recipe, device),
        lambda file: _check(file, len(domain.x)),
    )


def list_files(
    domain: Domain, backbone: FrozenBackbone, recipe: Recipe
) -> list[tuple[Path, Domain]]:
    """Return the file with the features of each domain that `domain` joins, or of itself.

    Args:
        domain: Domain of images.
        backbone: Backbone that computes the features.
        recipe: Precision, augmentation and number of views.
    """
    parts = [replace(part, resize=domain.resize) for part in domain.joined or (domain,)]
    return [(_name_file(part, backbone, recipe), part) for part in parts]


def _name_file(domain: Domain, backbone: FrozenBackbone, recipe: Recipe) -> Path:
    small = " shrunk" * shrinks(domain.x, domain.resize)
    shown = domain.resize.test_crop, recipe.transforms
    how = f" {shown}" if shown != ("center", Transforms()) else ""
    digest = find_reader(domain, backbone).digest
    key = f"{RECIPE} {domain.digest} {digest} {domain.resize} {recipe}{small}{how}"
    name = hashlib.sha256(key.encode()).hexdigest()[:24]
    return cache_home() / "features" / f"{name}.npy"


def find_reader(domain: Domain, backbone: FrozenBackbone) -> FrozenBackbone:
    """Return the part of a backbone that reads what a domain holds."""
    return backbone.text_side if holds_texts(domain.x) else backbone


@lru_cache(maxsize=16)
def _read(*files: tuple[Path, int]) -> Float[Tensor, "b ..."]:
    """Map features into memory, which processes share; those of several files are copied.

    Each file comes with its inode, so that one that was replaced is read again.
    """
    each = [torch.from_numpy(np.load(file, mmap_mode="c")) for file, _ in files]
    return each[0] if len(each) == 1 else torch.cat(each)


def _check(file: Path, rows: int) -> None:
    x = np.load(file, mmap_mode="r")
    if x.shape[:1] != (rows,) or x.dtype != np.float32:
        raise ValueError(f"{file} has the shape {x.shape} of {x.dtype}, not {rows} rows of float32")


def _compute(
    part: Path, domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> None:
    what = "texts" if holds_texts(domain.x) else "images"
    features = _features(*_ready(domain, backbone, device), recipe, device)
    print(f"features of {len(domain.x)} {what}, once for all runs", file=sys.stderr)
    remove_unused(part.parent, f"{KEY}.npy")
    first = next(features)
    shape = (len(domain.x), *first.shape[1:])
    with part.open("wb") as file:  # row by row: with views they may be too many for memory
        write_array_head(file, "<f4", shape)
        for f in chain([first], features):
            file.write(f.numpy().tobytes())


def _ready(
    domain: Domain, backbone: FrozenBackbone, device: torch.device
) -> tuple[Domain, nn.Module]:
    """Return a domain as its network reads it, and the network, fast and on the device."""
    backbone = find_reader(domain, backbone)
    if isinstance(backbone.network, TextEncoder):
        (domain,) = to_tokens(backbone.network, domain)
    few = to_eval_input(take_first(domain.x, 4), domain.resize)
    check_fit(backbone.network, backbone.name, few)
    network = fuse_batch_norms(backbone.network, few)
    if network is backbone.network and device.type != "cpu":  # which stays where it is
        network = deepcopy(network)
    return domain, network.to(device).to(memory_format=torch.channels_last)


def time_features(
    domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> tuple[float, int]:
    """Return the seconds that features of an image take, and their bytes; store none.

    The second chunk of images is timed, or the first if it is slow or the only whole one.

    Args:
        domain: Domain of images.
        backbone: Backbone that computes the features.
        recipe: Precision, augmentation and number of views.
        device: Device of the computation.
    """
    chunks = _features(*_ready(domain, backbone, device), recipe, device)
    for last in (len(domain.x) < 2 * CHUNK, True):
        start = time.perf_counter()
        found = next(chunks)
        seconds = time.perf_counter() - start
        if last or seconds > SLOW:
            break
    return seconds / len(found), found[0].nbytes


@torch.inference_mode()
def _features(
    domain: Domain, backbone: nn.Module, recipe: Recipe, device: torch.device
) -> Iterator[Float[Tensor, "_ ..."]]:
    """Yield features, one chunk of images after the other."""
    batch = 32 if device.type == "cpu" else CHUNK
    for chunk, x in enumerate(split_rows(domain.x, CHUNK)):
        each = []
        for view in range(1 + recipe.views):
            augment = recipe.augment if view else "none"
            how = domain.resize, augment, generator(view, chunk), None, recipe.transforms
            seen = augment_images(x.to(device), *how)
            with torch.autocast(device.type, torch.bfloat16, recipe.precision == "bf16"):
                each.append(torch.cat([backbone(few) for few in seen.split(batch)]))
        f = scale_rows(torch.stack(each, 1).float())
        yield (f if recipe.views else f.squeeze(1)).cpu()


def scale_rows(f: Float[Tensor, "*b d"]) -> Float[Tensor, "*b d"]:
    """Scale each row of features to a root mean square of 1."""
    return f * (f.shape[-1] ** 0.5 / f.norm(dim=-1, keepdim=True).clamp_min(1e-6))


def scale_outputs(backbone: nn.Module) -> None:
    """Let `backbone` scale its features as regime frozen does."""
    backbone.register_forward_hook(lambda _, images, f: scale_rows(f.float()))
