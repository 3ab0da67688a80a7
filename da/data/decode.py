"""Decoding of image files to square RGB pixels of 8 bits. Does not load torch."""

import ctypes
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

from da.config.choices import Fit
from da.data.squares import Box, to_square
from da.system.budget import Budget

VERSION = 2
"""Number of the rules that make pixels of files; those stored by other rules are not used."""

NO_IMAGES = {"BUFR", "EPS", "FITS", "FLI", "GRIB", "HDF5", "IPTC", "MPEG", "PCD", "WMF"}
"""Formats that Pillow knows, but that hold programs, films or measurements."""

PIXELS = 2**26
"""Pixels of all images that are decoded at the same time; a larger image is decoded alone."""

TOP = 2**16 - 1
"""Value of white in a gray image of 16 bits."""

_BITS, _PHOTOMETRIC = 258, 262
"""Tags of a TIFF file: bits of a value, and whether 0 is white (0) or black (1)."""

_STEPS = {"L;2": 85, "L;4": 17}
"""Distance of gray values that had 2 or 4 bits, by Pillow's name of such pixels."""

_OF_FILES = "format", "tile", "tag_v2"
"""What a picture knows of its file, and a copy does not."""

_Made = TypeVar("_Made")


class BadImagesError(ValueError):
    """Raised where images cannot be decoded; `lists` has a text for each domain that names them."""

    def __init__(self, *lists: str):
        listed = ", nor ".join(lists)
        super().__init__(f"cannot decode {listed}; --skip-bad goes on without such images")
        self.lists = lists


class Decoded(NamedTuple):
    """The pixels of a file, and what is worth a warning."""

    pixels: UInt8[np.ndarray, "h w 3"]
    largest: int = -1
    """Largest value of an image of 16 bits, whose range the file does not state; -1 for others."""


_budget = Budget(PIXELS)


def decode_image(file: Path, side: int, fit: Fit = "squash") -> UInt8[np.ndarray, "h w 3"]:
    """Decode an image file to `side` by `side` RGB pixels.

    Transparent parts are laid on white. Gray values of 16 bits are divided by 257, so that white
    stays white. Of several frames it is the first.

    Args:
        file: Image file.
        side: Width and height of the square, in pixels.
        fit: How an image that is no square becomes one.

    Raises:
        ValueError: If the file is not a readable image; the message names it.
    """
    with ignore_warnings():
        made = try_decode(file, side, fit)
    if isinstance(made, str):
        raise ValueError(f"cannot decode {file}: {made}")
    return made.pixels


def decode_picture(
    picture: Image.Image, side: int, fit: Fit = "squash"
) -> UInt8[np.ndarray, "h w 3"]:
    """Decode a picture in memory as `decode_image` does a file, and leave it as it is.

    Args:
        picture: The picture.
        side: Width and height of the square, in pixels.
        fit: How a picture that is no square becomes one.

    Raises:
        ValueError: If its pixels cannot be used; the message says why.
    """
    about = {key: getattr(picture, key) for key in _OF_FILES if hasattr(picture, key)}
    try:
        copy = picture.copy()  # which reads the file behind it, and forgets what it is
        for key, value in about.items():
            setattr(copy, key, value)
        with ignore_warnings():
            made = _decode(copy, side, fit)
    except (OSError, SyntaxError) as error:
        raise ValueError(_explain(error)) from error
    if isinstance(made, str):
        raise ValueError(made)
    return made.pixels


def try_decode(
    file: Path | BytesIO, side: int, fit: Fit = "squash", box: Box | None = None
) -> Decoded | str:
    """Decode a file as `decode_image` does, or return why this cannot be done.

    Args:
        file: Image file.
        side: Width and height of the square, in pixels.
        fit: How an image that is no square becomes one.
        box: The part of the square that is wanted; all of it if None.
    """
    return _attempt(file, lambda image: _decode(image, side, fit, box))


def find_fault(file: Path) -> str:
    """Return why a file cannot be decoded, as far as its first bytes tell; "" for nothing."""
    return _attempt(file, _explain_mode)


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Print no warnings of Pillow in the block, whose threads have ended when it ends."""
    _silence_errors()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def silence_warnings() -> None:
    """Print no warnings of Pillow from here on, since images that are decoded again gave theirs."""
    _silence_errors()
    warnings.filterwarnings("ignore", module=r"PIL\.")


@cache
def _silence_errors() -> None:
    """Keep Pillow and its libtiff from printing errors, which Pillow raises anyway."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with suppress(OSError, AttributeError):  # another system may link it in another way
        ctypes.CDLL(Image.core.__file__).TIFFSetErrorHandler(None)


def describe_range(values: list[int]) -> str:
    """Say that images of 16 bits use a small part of that range; "" if they do not.

    Args:
        values: Largest value of each image, as in `Decoded`.
    """
    values = [value for value in values if value >= 0]
    if not values or (largest := max(values)) > TOP // 4:
        return ""
    return (
        f"no value in {len(values)} images of 16 bits is above {largest} of {TOP}, so they are "
        "dark; if their values have fewer bits, scale them to 16 first"
    )


def _attempt(file: Path | BytesIO, use: Callable[[Image.Image], _Made]) -> _Made | str:
    """Return what `use` makes of an image file, or why it cannot."""
    try:
        with Image.open(file) as image:
            if image.format in NO_IMAGES:
                return f"{image.format} is no format of images"
            return use(image)
    except Exception as error:  # Pillow raises a dozen kinds, SyntaxError and struct.error too
        return _explain(error)


def _explain(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "it is not an image, or of an unknown format"
    if isinstance(error, MemoryError):
        return "not enough memory"
    text = " ".join((getattr(error, "strerror", None) or str(error)).split())[:200]
    said = text or type(error).__name__
    told = isinstance(error, (OSError, SyntaxError, Image.DecompressionBombError))
    return said if told else f"it is damaged ({said})"


def _explain_mode(image: Image.Image) -> str:
    """Return why pixels of this kind cannot be used, or ""."""
    if image.mode == "F" or (image.mode == "I" and not _has_16_bits(image)):
        kind = "32-bit floats" if image.mode == "F" else "32-bit or signed integers"
        return f"its pixels are {kind} of an unknown range; save it with 8 or 16 bits"
    return ""


def _has_16_bits(image: Image.Image) -> bool:
    """Return whether pixels are gray values from 0 to 65535, which some formats read as "I"."""
    return image.mode[:4] == "I;16" or (image.mode == "I" and image.format in {"PNG", "PPM"})


def _decode(image: Image.Image, side: int, fit: Fit, box: Box | None = None) -> Decoded | str:
    if fault := _explain_mode(image):
        return fault
    with _budget.hold(image.width * image.height):
        packed = _packed_mode(image)
        _scale_clear_color(image, packed)
        ImageOps.exif_transpose(image, in_place=True)
        largest = -1
        if _has_16_bits(image):
            image, largest = _scale_gray(image)
        elif ";16" in packed:
            largest = _largest_color(image)
        if image.has_transparency_data:
            image = _lay_on_white(image)
        elif image.mode != "RGB":
            image = image.convert("RGB")
        return Decoded(np.asarray(to_square(image, side, fit, box)), largest)


def _packed_mode(image: Image.Image) -> str:
    """Return Pillow's name of a file's pixels, as in "L;4", which it forgets when they are read."""
    tiles = getattr(image, "tile", ())
    packed = tiles[0].args if tiles else ""
    return str(packed[0] if isinstance(packed, tuple) else packed)


def _scale_clear_color(image: Image.Image, packed: str) -> None:
    """Scale the one color that a PNG file calls transparent to 8 bits, as its pixels are."""
    clear = image.info.get("transparency")
    if isinstance(clear, int):
        image.info["transparency"] = clear * _STEPS.get(packed, 1)
    elif isinstance(clear, tuple) and ";16" in packed:
        image.info["transparency"] = tuple(value >> 8 for value in clear)


def _largest_color(image: Image.Image) -> int:
    """Return the largest value that a color of 16 bits can have had; Pillow keeps its upper 8."""
    return int(np.asarray(image.convert("RGB")).max()) << 8 | 255


def _scale_gray(image: Image.Image) -> tuple[Image.Image, int]:
    """Scale gray values of 16 bits, or as many as a TIFF file states, to 8 bits.

    Returns:
        The image, and the largest value as in `Decoded`.
    """
    x, tags = np.asarray(image).astype(np.uint32), getattr(image, "tag_v2", {})
    top = 2 ** tags.get(_BITS, (16,))[0] - 1
    gray = ((x * 255 + top // 2) // top).astype(np.uint8)
    if tags.get(_PHOTOMETRIC) == 0:
        gray = 255 - gray
    if "transparency" in image.info:
        gray[x == image.info["transparency"]] = 255
    return Image.fromarray(gray), int(x.max()) if top == TOP else -1


def _lay_on_white(image: Image.Image) -> Image.Image:
    clear = image.convert("RGBA")
    white = Image.new("RGB", image.size, "white")
    white.paste(clear, mask=clear)
    return white
