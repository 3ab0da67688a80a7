"""Images and labels of a user's Python objects: Datasets, arrays, tensors and pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from PIL import Image
from torch import Tensor
from torch.utils.data import IterableDataset

from da.config.choices import Fit
from da.config.validation import shorten_names
from da.data.decode import decode_image, decode_picture

CHANNELS = 1, 3, 4
"""Channels that an array can have as an image: gray, color, and color with transparency."""

IMAGE = "image"
"""Key of the image in an item that is a dict; all other keys are label columns."""

KNOWN = "a map-style Dataset, an array, a tensor, or a pair (images, labels)"


@dataclass(frozen=True)
class Items:
    """Images by number, each with its label if it has one."""

    count: int
    image: Callable[[int], Any]
    both: Callable[[int], tuple[Any, Any]]
    """Function to an image and its label; the label is None where there is none."""
    classes: tuple[str, ...] = ()
    """Names of the classes by number; empty where they are not known."""
    names: tuple[str, ...] = ()
    """A name of each image, by which some are held out; empty for their numbers."""


def open_items(given: Any, what: str) -> Items:
    """Understand what the user gives as images, with labels or without.

    Args:
        given: Map-style Dataset, data set of Hugging Face, array, tensor, list, or pair of images
            and labels.
        what: Which data it is, for messages.

    Raises:
        ValueError: If it is none of these, or is empty.
    """
    given = _frame_values(given)
    if is_pair(given):
        found = _pair(_frame_values(given[0]), _frame_values(given[1]), what)
    elif isinstance(given, IterableDataset) or not hasattr(given, "__getitem__"):
        raise ValueError(f"{what} is {KNOWN}, not {type(given).__name__}; loaders go to da.fit")
    elif hasattr(given, "column_names") and hasattr(given, "features"):
        found = _columns(given, what)
    elif isinstance(given, Tensor | np.ndarray):
        found = Items(len(given), lambda i: given[i], lambda i: (given[i], None))
    elif hasattr(given, "__len__"):
        found = _dataset(given)
    else:
        raise ValueError(f"{what} has no length: give {KNOWN}; loaders go to da.fit")
    if not found.count:
        raise ValueError(f"{what} holds no images")
    return found


def is_pair(given: Any) -> bool:
    """Return whether something is images with their labels, rather than two images."""
    two = isinstance(given, tuple) and len(given) == 2
    return two and not isinstance(given[0], str | Path | Image.Image)


def _frame_values(given: Any) -> Any:
    """Return frames and series of pandas by place, whatever their index; frames of labels too."""
    return given.to_numpy() if hasattr(given, "iloc") else given


def _pair(x: Any, y: Any, what: str) -> Items:
    if isinstance(y, Mapping):
        y = {name: _frame_values(one) for name, one in y.items()}
    lists = [x, *y.values()] if isinstance(y, Mapping) else [x, y]
    if not all(hasattr(one, "__len__") and len(one) == len(x) for one in lists):
        raise ValueError(f"{what} is a pair, but not of images and as many labels")
    if isinstance(y, Mapping):
        return Items(
            len(x), lambda i: x[i], lambda i: (x[i], {name: one[i] for name, one in y.items()})
        )
    return Items(len(x), lambda i: x[i], lambda i: (x[i], y[i]))


def _dataset(given: Any) -> Items:
    def both(i: int) -> tuple[Any, Any]:
        item = given[i]
        if isinstance(item, Mapping):
            return _image_of(item), {name: one for name, one in item.items() if name != IMAGE}
        return (item[0], item[1]) if _has_label(item) else (item, None)

    classes = getattr(given, "classes", None)
    named = isinstance(classes, Sequence) and all(isinstance(name, str) for name in classes)
    return Items(
        len(given), lambda i: _first(given[i]), both, tuple(classes or ()) * named, _paths(given)
    )


def _first(item: Any) -> Any:
    if isinstance(item, Mapping):
        return _image_of(item)
    return item[0] if _has_label(item) else item


def _has_label(item: Any) -> bool:
    """Return whether an item is an image and what follows it, rather than a row of numbers."""
    return isinstance(item, tuple | list) and not isinstance(item[0], int | float | np.number)


def _image_of(item: Mapping[str, Any]) -> Any:
    if IMAGE not in item:
        raise ValueError(f"an item has {shorten_names(map(str, item))}, known: {IMAGE} and labels")
    return item[IMAGE]


def _paths(given: Any) -> tuple[str, ...]:
    """Return the paths of an ImageFolder's images under its root, as `folder:` names them."""
    root, samples = getattr(given, "root", None), getattr(given, "samples", None)
    try:
        paths = [Path(path).relative_to(root) for path, _ in samples]  # type: ignore[union-attr,arg-type]
    except (TypeError, ValueError):
        return ()
    return tuple(path.as_posix() for path in paths) if len(paths) == len(given) else ()


def _columns(given: Any, what: str) -> Items:
    """Read a data set of Hugging Face: its column of images, and of classes if it has one."""
    features = dict(given.features)
    images = [name for name, kind in features.items() if type(kind).__name__ == "Image"]
    labels = [name for name, kind in features.items() if hasattr(kind, "names")]
    labels += [name for name in ("label", "labels") if name in features and not labels]
    if len(images) != 1 or len(labels) > 1:
        raise ValueError(
            f"{what} has the columns {shorten_names(features)}, known: one column of images and at "
            "most one of classes; select_columns leaves others out"
        )
    (image,), label = images, labels[0] if labels else None
    names = getattr(features[label], "names", None) if label else None

    def both(i: int) -> tuple[Any, Any]:
        item = given[i]
        return item[image], item[label] if label else None

    return Items(len(given), lambda i: given[i][image], both, tuple(names or ()))


def to_stored(value: Any, side: int, what: str, fit: Fit = "squash") -> Shaped[np.ndarray, "..."]:
    """Return an image as pixels of `side` by `side`, as `folder:` stores it; numbers as they are.

    Args:
        value: Path of an image file, picture of Pillow, or array or tensor: an image of bytes, an
            image of numbers from 0 to 1, or features.
        side: Width of the stored image, in pixels.
        what: Which image it is, for messages.
        fit: How an image that is no square becomes one.

    Raises:
        ValueError: If it is no image and no row of numbers.
    """
    if isinstance(value, str | Path):
        return decode_image(Path(value), side, fit)
    if isinstance(value, Image.Image):
        return _decoded(value, side, what, fit)
    if isinstance(value, Tensor):
        value = value.detach().cpu()
        value = (value.float() if value.dtype == torch.bfloat16 else value).numpy()
        channels_first = value.ndim == 3 and value.shape[0] in CHANNELS
    else:
        value = np.asarray(value)
        channels_first = value.ndim == 3 and value.shape[2] not in CHANNELS
    if value.ndim == 1 and value.dtype.kind in "fiu" and value.size:
        return _finite(value, what)
    if not value.ndim:
        kind = type(value.item()).__name__
        raise ValueError(f"{what} is of {kind}, known: a path, a picture, an array or a tensor")
    if channels_first:
        value = np.moveaxis(value, 0, 2)
    if (
        value.ndim not in (2, 3)
        or not value.size
        or (value.ndim == 3 and value.shape[2] not in CHANNELS)
    ):
        raise ValueError(f"{what} has the shape {value.shape}, known: h w, c h w or h w c")
    pixels = _bytes(value, what)
    flat = pixels[..., 0] if pixels.ndim == 3 and pixels.shape[2] == 1 else pixels
    return _decoded(Image.fromarray(np.ascontiguousarray(flat)), side, what, fit)


def _finite(row: Shaped[np.ndarray, "d"], what: str) -> Shaped[np.ndarray, "d"]:
    with np.errstate(over="ignore"):
        numbers = row.astype(np.float32)
    if len(bad := np.flatnonzero(~np.isfinite(numbers))):
        raise ValueError(f"{what} has {row[bad[0]]} in column {bad[0]}, known: finite numbers")
    return numbers


def _bytes(value: Shaped[np.ndarray, "..."], what: str) -> Shaped[np.ndarray, "..."]:
    if value.dtype == np.uint8:
        return value
    if value.dtype.kind != "f":
        raise ValueError(f"{what} is of {value.dtype}, known: uint8, or floats from 0 to 1")
    low, high = float(value.min()), float(value.max())
    if not (low >= 0 and high <= 1):
        raise ValueError(
            f"{what} has values from {low:.3g} to {high:.3g}, known: floats from 0 to 1; leave "
            "normalization to the backbone"
        )
    return np.rint(value * 255).astype(np.uint8)


def _decoded(picture: Image.Image, side: int, what: str, fit: Fit) -> Shaped[np.ndarray, "..."]:
    try:
        return decode_picture(picture, side, fit)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def to_label(value: Any, what: str) -> int | str:
    """Return a label as a whole number or a name.

    Raises:
        ValueError: If it is neither.
    """
    if isinstance(value, Tensor | np.ndarray | np.generic) and np.size(value) == 1:
        value = value.item()
    if isinstance(value, str):
        return value
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if number < 0 or number != value:
        raise ValueError(f"the label of {what} is {value!r}, known: class numbers from 0, or names")
    return number
