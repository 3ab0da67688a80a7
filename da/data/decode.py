"""Finding image files in a folder and decoding their pixels. Does not load torch."""

import os
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps, UnidentifiedImageError

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}
"""Endings of image files, in lower case."""


def list_images(folder: Path) -> list[Path]:
    """List the images at any depth under a folder in the order of their paths.

    Hidden files are left out.

    Raises:
        ValueError: If the folder, or one in it, cannot be read.
    """
    unread: list[OSError] = []
    walk = os.walk(folder, onerror=unread.append, followlinks=True)
    files = [Path(top, name) for top, _, names in walk for name in names if name[0] != "."]
    if unread:
        raise ValueError(f"cannot read the folder {unread[0].filename}: {unread[0].strerror}")
    return sorted(file for file in files if file.suffix.lower() in SUFFIXES)


def decode_image(file: Path, side: int) -> UInt8[np.ndarray, "h w 3"]:
    """Decode an image file to `side` by `side` RGB pixels, without keeping its proportions.

    Raises:
        ValueError: If the file is not a readable image; the message names it.
    """
    try:
        with Image.open(file) as image:
            upright: Image.Image = ImageOps.exif_transpose(image)
            if (
                upright.has_transparency_data
            ):  # Pillow wants a palette with transparency as RGBA first
                upright = upright.convert("RGBA")
            square = upright.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
            return np.asarray(square)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot decode {file}: {error}") from error
