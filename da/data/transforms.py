"""Turning stored uint8 images into network input on their device."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Shaped
from torch import Tensor

from da.config.choices import Interpolation, TestCrop
from da.data.image_ops import scale
from da.data.stored_rows import StoredRows


@dataclass(frozen=True)
class Resize:
    """The size of network input, and how stored images are brought to it."""

    side: int = 0
    """Width and height of network input in pixels; 0 where it is not known."""
    interpolation: Interpolation = "bilinear"
    """How pixels between the stored ones are computed."""
    crop_pct: float = 1.0
    """Share of its sides that evaluation shows of an image that has to be enlarged."""
    test_crop: TestCrop = field(default="center", repr=False)
    """The part of an image that evaluation shows; not in the text that names cached features."""

    @property
    def stored(self) -> tuple[int, Interpolation, float]:
        """The fields that are stored next to weights."""
        return self.side, self.interpolation, self.crop_pct


Pixels = Shaped[Tensor, "b c _ _"]
"""Network input, channels last in memory: bytes as stored, or numbers in 0..1."""


def channels_first(x: Shaped[Tensor, "b h w c"]) -> Shaped[Tensor, "b c h w"]:
    """Put channels first, as networks expect, without a copy."""
    return rearrange(x, "b h w c -> b c h w")


SHOWN = 7 / 8
"""Least share of the sides of a larger image that is shown: 224 of 256 pixels, as is usual."""


def shrinks(x: Shaped[Tensor, "b ..."] | StoredRows, resize: Resize) -> bool:
    """Return whether `crop_center` shrinks images of this size before it crops them."""
    return x.ndim == 4 and min(x.shape[1:3]) > math.ceil(resize.side / SHOWN) > 0


def framed_side(stored: int, resize: Resize) -> int:
    """Return the pixels a side of an image from which `resize.side` pixels are then cropped.

    Args:
        stored: Pixels of the shorter side of the stored image.
        resize: Size of network input.
    """
    if stored < resize.side:
        return round(resize.side / resize.crop_pct)
    return min(stored, math.ceil(resize.side / SHOWN))


def crop_center(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """Crop the middle `resize.side` pixels of each image, after enlarging smaller images.

    Images that are so large that less than `SHOWN` of them would be seen are shrunk first. Images
    are bytes as stored, or numbers in 0..1.
    """
    return _middle(_frame(x, resize), resize.side)


def _frame(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """Bring images to the size from which `resize.side` pixels are cropped."""
    small, stored = shrinks(x, resize), min(x.shape[1:3])
    x = channels_first(x)
    if stored >= resize.side and not small:
        return x
    return _resize(x if small else _middle(x, resize.side), framed_side(stored, resize), resize)


def show_whole(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """Resize each image as a whole to `resize.side` pixels a side; one of that size stays."""
    x = channels_first(x)
    same = x.shape[2:] == (resize.side, resize.side)
    return x if same else _resize(x, resize.side, resize)


def ten_crops(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Iterator[Pixels]:
    """Yield the four corners of images, upper ones first, the middle, and the same mirrored.

    They are torchvision's, in its order. CDAN's code places those at the right and at the bottom
    one pixel before the corner.
    """
    frame, side = _frame(x, resize), resize.side
    down, across = frame.shape[2] - side, frame.shape[3] - side
    corners = (0, 0), (0, across), (down, 0), (down, across)
    for seen in (frame, frame.flip(3)):
        for top, left in corners:
            yield seen[..., top : top + side, left : left + side]
        yield _middle(seen, side)


def _resize(x: Shaped[Tensor, "b c h w"], side: int, resize: Resize) -> Pixels:
    seen = F.interpolate(scale(x), (side, side), mode=resize.interpolation, antialias=True)
    return seen.clamp(0, 1)


def fit_to_input(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """Bring images to the size of network input, as evaluation shows them.

    Where evaluation shows ten crops of an image, this is the one in the middle.
    """
    return show_whole(x, resize) if resize.test_crop == "whole" else crop_center(x, resize)


def _middle(x: Shaped[Tensor, "b c h w"], side: int) -> Shaped[Tensor, "b c _ _"]:
    """Crop the middle square of at most `side` pixels."""
    height, width = x.shape[2:]
    cut = min(height, width, side)
    top, left = (height - cut) // 2, (width - cut) // 2
    return x[..., top : top + cut, left : left + cut]


def to_eval_input(x: Shaped[Tensor, "b ..."], resize: Resize) -> Shaped[Tensor, "b ..."]:
    """Turn stored images into network input for evaluation.

    Features stay as they are. Of features of several views, `b v d`, the first view is taken,
    which is the plain image.
    """
    if x.dtype == torch.uint8:
        return fit_to_input(x, resize)
    return x[:, 0] if x.ndim == 3 else x
