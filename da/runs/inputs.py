"""Input of a finished network, from images of any kind and size, rows of features, or texts."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from PIL import Image
from torch import Tensor, nn
from torch.nn.utils.rnn import pad_sequence

from da.config.choices import Fit
from da.data.own_items import CHANNELS, Items, is_pair, open_items, to_stored

BATCH = 32
"""Number of images that pass through the network together."""


def iterate_inputs(
    given: Any, side: int, backbone: nn.Module, fit: Fit = "squash"
) -> Iterator[Shaped[Tensor, "b ..."]]:
    """Yield batches of what a network takes: bytes `b h w 3`, rows `b d`, or tokens `b t`.

    Args:
        given: Images: a path or picture of Pillow, or many of these in a list, a Dataset, an array
            or a tensor; labels are not looked at. Rows of features, or texts, for networks of
            these.
        side: Pixels a side of stored images, or the number of features.
        backbone: First part of the network.
        fit: How images that are no squares become squares.

    Raises:
        ValueError: If it is none of these, or not what the network takes.
    """
    if tokenize := getattr(backbone, "tokenize", None):
        texts = [given] if isinstance(given, str) else [*given]
        for start in range(0, len(texts), BATCH):
            rows = [torch.tensor(row) for row in tokenize(texts[start : start + BATCH])]
            yield pad_sequence(rows, batch_first=True, padding_value=-1)
        return
    items = _open(given)
    for start in range(0, items.count, BATCH):
        places = range(start, min(start + BATCH, items.count))
        made = [_read(items.image(i), side, f"images[{i}]", backbone, fit) for i in places]
        if len(shapes := {row.shape for row in made}) > 1:
            raise ValueError(f"images have rows of {' and '.join(map(str, sorted(shapes)))}")
        yield torch.from_numpy(np.stack(made))


def _open(given: Any) -> Items:
    """Understand images; one alone is a list of one.

    Raises:
        ValueError: If an array could be one image, or several gray ones.
    """
    if isinstance(given, str | Path | Image.Image):
        given = [given]
    first = given[0] if is_pair(given) else given
    if isinstance(first, Tensor | np.ndarray) and first.ndim == 3:
        shape = tuple(first.shape)
        if shape[0] in CHANNELS or shape[-1] in CHANNELS:
            raise ValueError(
                f"images has the shape {shape}: give one image as images[None], several in a "
                "list, several gray ones as images[:, None]"
            )
    if isinstance(given, Mapping) or not hasattr(given, "__getitem__"):
        kind = type(given).__name__
        raise ValueError(f"images is a path, a picture, an array, a list or a Dataset, not {kind}")
    return open_items(given, "images")


def _read(
    value: Any, side: int, where: str, backbone: nn.Module, fit: Fit
) -> Shaped[np.ndarray, "..."]:
    stored = to_stored(value, side, where, fit)
    takes_rows = hasattr(backbone, "take_inputs")
    if stored.ndim == 1 and len(stored) != side:
        raise ValueError(f"{where} is a row of {len(stored)} numbers, the network takes {side}")
    if takes_rows and stored.ndim > 1:
        raise ValueError(f"{where} is an image, the network takes rows of {side} numbers")
    return stored
