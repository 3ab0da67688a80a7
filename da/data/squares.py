"""Pictures of any size to squares, whole or in part. Does not load torch."""

from functools import lru_cache
from math import ceil, floor
from random import Random

from PIL import Image

from da.config.choices import Fit

Box = tuple[int, int, int, int]
"""A part of an image: its first column and row of pixels, and those after the last."""

LARGE = 2**22
"""Pixels of an image from which on decoding takes so long that a part of it saves little."""

_CUBIC = Image.Resampling.BICUBIC


def to_square(
    image: Image.Image, side: int, fit: Fit = "squash", box: Box | None = None
) -> Image.Image:
    """Resize an RGB image to a square, or return a part of that square.

    A part has the same values as in the whole, and takes less time where `side` is a power of 2.

    Args:
        image: The image.
        side: Width and height of the square, in pixels.
        fit: How an image that is no square becomes one.
        box: The part of the square that is wanted; all of it if None.
    """
    if fit == "crop":
        cut = min(image.size)
        left, top = (image.width - cut) // 2, (image.height - cut) // 2
        image = image.crop((left, top, left + cut, top + cut))
    if box and fit != "pad" and _has_exact_parts(image, side):
        return _resize_part(image, side, box, _order_of_axes(*image.size, side))
    square = _pad(image, side) if fit == "pad" else image.resize((side, side), _CUBIC)
    return square.crop(box) if box else square


def _pad(image: Image.Image, side: int) -> Image.Image:
    longest = max(image.size)
    wide, high = (max(1, (2 * n * side + longest) // (2 * longest)) for n in image.size)
    shrunk = image.resize((wide, high), _CUBIC)
    if wide == high:
        return shrunk
    square = Image.new("RGB", (side, side))
    square.paste(shrunk, ((side - wide) // 2, (side - high) // 2))
    return square


def _has_exact_parts(image: Image.Image, side: int) -> bool:
    """Return whether Pillow's float32 can hold the places of parts, multiples of 1 / side."""
    small = image.width * image.height < LARGE and side * max(image.size) < 2**24
    return small and side & (side - 1) == 0


def _resize_part(image: Image.Image, side: int, box: Box, axes: tuple[int, int]) -> Image.Image:
    """Resize along one axis after the other (0 is x), without what the part does not need."""
    sizes, later = image.size, axes[1]
    start, end = _needed(sizes[later], side, box[later], box[later + 2])
    image = image.crop((start, 0, end, sizes[1]) if later == 0 else (0, start, sizes[0], end))
    for axis in axes:
        wanted, place = [*image.size], [0.0, 0.0, *map(float, image.size)]
        wanted[axis] = box[axis + 2] - box[axis]
        for end_of in (axis, axis + 2):
            place[end_of] = box[end_of] * sizes[axis] / side - start * (axis == later)
        left, top, right, bottom = place
        image = image.resize((wanted[0], wanted[1]), _CUBIC, (left, top, right, bottom))
    return image


def _needed(size: int, side: int, first: int, last: int) -> tuple[int, int]:
    """Return the first pixel that a part of an axis needs for its cubic weights, and its end."""
    scale = size / side
    reach = 2 * max(1, scale) + 1
    return max(0, floor(first * scale - reach)), min(size, ceil(last * scale + reach))


@lru_cache(2**16)
def _order_of_axes(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the order in which Pillow resizes the axes, by a trial: it is stated nowhere."""
    noise = Image.frombytes("RGB", (width, height), Random(0).randbytes(3 * width * height))
    whole = 0, 0, side, side
    same = noise.resize((side, side), _CUBIC) == _resize_part(noise, side, whole, (0, 1))
    return (0, 1) if same else (1, 0)
