"""Features of whole domains by a frozen backbone, computed once and cached on disk."""

import hashlib
import sys
import time
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import chain
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from da.config.choices import Augment, Precision
from da.config.transforms import Transforms
from da.data.domain import Domain
from da.data.draws import generator
from da.data.stored_rows import split_rows, take_first
from da.data.texts import holds_texts
from da.data.transforms import shrinks, to_eval_input
from da.data.views import augment_images
from da.models.backbone import check_fit
from da.models.frozen_backbone import FrozenBackbone
from da.models.fuse import fuse_batch_norms
from da.models.text_encoder import TextEncoder, to_tokens
from da.system.array_files import write_array_head
from da.system.cache import KEY, cache_home, is_sound, make_once, remove_unused

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
        lambda file: check_features(file, len(domain.x)),
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
    return features_file(f"{name}.npy")


def features_file(name: str) -> Path:
    """Return the path of a file of features by its name."""
    return cache_home() / "features" / name


def is_stored(file: Path, images: int) -> bool:
    """Return whether a file holds features of so many images, and is not damaged."""
    return is_sound(file, lambda file: check_features(file, images))


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


def check_features(file: Path, rows: int) -> None:
    """Check that a file holds features of so many images.

    Raises:
        ValueError: It does not, or is damaged.
    """
    x = np.load(file, mmap_mode="r")
    if x.shape[:1] != (rows,) or x.dtype != np.float32:
        raise ValueError(f"{file} has the shape {x.shape} of {x.dtype}, not {rows} rows of float32")


def _compute(
    part: Path, domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
) -> None:
    what = "texts" if holds_texts(domain.x) else "images"
    features = Extractor(domain, backbone, recipe, device).compute()
    print(f"features of {len(domain.x)} {what}, once for all runs", file=sys.stderr)
    write_features(part, (f.numpy() for f in features), len(domain.x))


def write_features(part: Path, features: Iterator[Float[np.ndarray, "_ ..."]], images: int) -> None:
    """Write features to the temporary path of their file, and remove files that nobody uses.

    Args:
        part: Where to write.
        features: Features of some images after the other; with views, all are too many for memory.
        images: Number of images.
    """
    remove_unused(part.parent, f"{KEY}.npy")
    first = next(features)
    with part.open("wb") as file:
        write_array_head(file, "<f4", (images, *first.shape[1:]))
        for f in chain([first], features):
            file.write(f.tobytes())


class Extractor:
    """A frozen backbone that is ready to compute the features of a domain, or of a part of it.

    Args:
        domain: Domain of images.
        backbone: Backbone that computes the features.
        recipe: Precision, augmentation and number of views.
        device: Device of the computation.
    """

    def __init__(
        self, domain: Domain, backbone: FrozenBackbone, recipe: Recipe, device: torch.device
    ):
        self._how = *_ready(domain, backbone, device), recipe, device

    def compute(self, start: int = 0, stop: int | None = None) -> Iterator[Float[Tensor, "_ ..."]]:
        """Yield features of images in order, `CHUNK` at a time.

        Args:
            start: First image, a multiple of `CHUNK`: then all batches are those of the whole.
            stop: Image after the last, if there are so many; None for all.
        """
        return _features(*self._how, start, stop)


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
    chunks = Extractor(domain, backbone, recipe, device).compute()
    for last in (len(domain.x) < 2 * CHUNK, True):
        start = time.perf_counter()
        found = next(chunks)
        seconds = time.perf_counter() - start
        if last or seconds > SLOW:
            break
    return seconds / len(found), found[0].nbytes


@torch.inference_mode()
def _features(
    domain: Domain,
    backbone: nn.Module,
    recipe: Recipe,
    device: torch.device,
    start: int,
    stop: int | None,
) -> Iterator[Float[Tensor, "_ ..."]]:
    """Yield features, one chunk of images after the other."""
    batch = 32 if device.type == "cpu" else CHUNK
    for chunk, x in enumerate(split_rows(domain.x, CHUNK, start, stop), start // CHUNK):
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
