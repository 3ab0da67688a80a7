"""Pixels: decoding files, and turning stored uint8 images into network input on their device."""

import math
from pathlib import Path
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Shaped, UInt8
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

Augment = Literal["none", "crop", "crop_flip"]
Boxes = Float[Tensor, "b 4"]
"""Top, left, height and width of each image's crop, as shares of the image's sides."""


def decode(file: Path, side: int) -> UInt8[np.ndarray, "h w 3"]:
    """An image file as `side` by `side` RGB pixels, its proportions not kept.

    Raises ValueError naming the file where it is no readable image.
    """
    try:
        with Image.open(file) as image:
            upright: Image.Image = ImageOps.exif_transpose(image)
            if upright.has_transparency_data:  # of a palette, which Pillow wants unfolded first
                upright = upright.convert("RGBA")
            square = upright.convert("RGB").resize((side, side), Image.Resampling.BICUBIC)
            return np.asarray(square)
    except (OSError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise ValueError(f"cannot decode {file}: {error}") from error


def scale(x: UInt8[Tensor, "b h w c"]) -> Float[Tensor, "b c h w"]:
    """Stored pixels as network input in 0..1, channels last in memory."""
    return rearrange(x, "b h w c -> b c h w").float().div_(255)


def plain(x: UInt8[Tensor, "b h w c"], side: int) -> Float[Tensor, "b c s s"]:
    """The middle of each image, `side` pixels wide; smaller images are enlarged to that."""
    height, width = x.shape[1:3]
    cut = min(height, width, side)
    top, left = (height - cut) // 2, (width - cut) // 2
    middle = scale(x[:, top : top + cut, left : left + cut])
    if cut == side:
        return middle
    return F.interpolate(middle, (side, side), mode="bilinear", antialias=True)


def random_boxes(
    b: int,
    generator: torch.Generator,
    area: tuple[float, float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    tries: int = 10,
) -> Boxes:
    """Crops of square images as torchvision's RandomResizedCrop draws them, each its own.

    Of `tries` draws of area and ratio the first that fits is taken, else the whole image.
    """
    shape = (b, tries)
    a = torch.empty(shape).uniform_(*area, generator=generator)
    r = torch.empty(shape).uniform_(*map(math.log, ratio), generator=generator).exp()
    height, width = (a / r).sqrt(), (a * r).sqrt()
    fits = (height <= 1) & (width <= 1)
    first = fits.int().argmax(1, keepdim=True)
    missed = ~fits.any(1)
    height, width = (v.gather(1, first).squeeze(1).masked_fill(missed, 1) for v in (height, width))
    at = torch.rand(2, b, generator=generator)
    return torch.stack([at[0] * (1 - height), at[1] * (1 - width), height, width], 1)


def crop(
    x: UInt8[Tensor, "b h w c"], boxes: Boxes, flip: Bool[Tensor, "b"], side: int
) -> Float[Tensor, "b c s s"]:
    """The box of each image, bilinear at `side` by `side` pixels, mirrored where `flip`."""
    boxes, flip = boxes.to(x.device), flip.to(x.device)
    top, left, height, width = boxes.unbind(1)
    theta = boxes.new_zeros(len(x), 2, 3)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = 2 * left + width - 1
    theta[:, 1, 2] = 2 * top + height - 1
    grid = F.affine_grid(theta, [len(x), x.shape[3], side, side], align_corners=False)
    return F.grid_sample(scale(x), grid, padding_mode="border", align_corners=False)


def unaugmented(x: Shaped[Tensor, "b ..."], side: int) -> Float[Tensor, "b ..."]:
    """Stored images as network input for evaluation; features stay as they are."""
    return plain(x, side) if x.dtype == torch.uint8 else x


def augmented(
    x: Shaped[Tensor, "b ..."], side: int, augment: Augment, generator: torch.Generator
) -> Float[Tensor, "b ..."]:
    """Network input for training; every image gets its own random crop and flip.

    Features stay as they are.
    """
    if augment == "none" or x.dtype != torch.uint8:
        return unaugmented(x, side)
    boxes = random_boxes(len(x), generator)
    flip = torch.rand(len(x), generator=generator) < 0.5
    return crop(x, boxes, flip & (augment == "crop_flip"), side)
