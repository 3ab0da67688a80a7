"""Pixels: turning stored uint8 images into network input on their device."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from da.data.augment import jitter, rand_augment
from da.system.threads import map_in_threads, one_thread

Augment = Literal["none", "crop", "crop_flip", "jitter", "strong"]
"""crop: random resized crop; crop_flip: and mirrored or not; jitter: and colors changed
(`jitter`); strong: crop_flip and two operations at random (`rand_augment`)."""

Boxes = Float[Tensor, "b 4"]
"""Top, left, height and width of each image's crop, as shares of the image's sides."""

Interpolation = Literal["bilinear", "bicubic"]
"""How pixels are computed between those that are stored."""

_RESIZE: dict[Interpolation, Callable[..., Tensor]] = {
    "bilinear": torch._C._nn._upsample_bilinear2d_aa,
    "bicubic": torch._C._nn._upsample_bicubic2d_aa,
}
"""What F.interpolate(antialias=True) calls by its mode, but can be told where to write."""


@dataclass(frozen=True)
class Resize:
    """The size of network input, and how stored images are brought to it."""

    side: int = 0
    interpolation: Interpolation = "bilinear"
    crop_pct: float = 1.0
    """Share of its sides that an image shows in evaluation where it has to be enlarged."""


Pixels = Shaped[Tensor, "b c _ _"]
"""Network input, channels last in memory: bytes as stored, or numbers in 0..1."""


def scale(x: Pixels) -> Float[Tensor, "b c _ _"]:
    """Numbers in 0..1."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def _seen(x: Shaped[Tensor, "b h w c"]) -> Shaped[Tensor, "b c h w"]:
    """Stored pixels as networks see them; nothing is copied."""
    return rearrange(x, "b h w c -> b c h w")


def crop_center(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """The middle of each image, `resize.side` pixels wide; smaller images are enlarged before.

    Images are bytes as stored, or numbers in 0..1.
    """
    middle = _middle(_seen(x), resize.side)
    if middle.shape[-1] == resize.side:
        return middle
    wide = round(resize.side / resize.crop_pct)
    large = F.interpolate(scale(middle), (wide, wide), mode=resize.interpolation, antialias=True)
    return _middle(large, resize.side).clamp(0, 1)


def _middle(x: Shaped[Tensor, "b c h w"], side: int) -> Shaped[Tensor, "b c _ _"]:
    """A square of at most `side` pixels."""
    height, width = x.shape[2:]
    cut = min(height, width, side)
    top, left = (height - cut) // 2, (width - cut) // 2
    return x[..., top : top + cut, left : left + cut]


def to_eval_input(x: Shaped[Tensor, "b ..."], resize: Resize) -> Shaped[Tensor, "b ..."]:
    """Stored images as network input for evaluation.

    Features stay as they are; of several views `b v d` it is the first, the plain image's.
    """
    if x.dtype == torch.uint8:
        return crop_center(x, resize)
    return x[:, 0] if x.ndim == 3 else x


def is_random(x: Shaped[Tensor, "b ..."], augment: Augment) -> bool:
    """Whether `augment_images` draws: pixels that are augmented, or features of several views."""
    return augment != "none" if x.dtype == torch.uint8 else x.ndim == 3


def augment_images(
    x: Shaped[Tensor, "n ..."],
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    rows: Int[Tensor, "b"] | None = None,
) -> Shaped[Tensor, "b ..."]:
    """Network input for training; every image gets its own random crop, flip and so on.

    Features `b d` stay as they are; of features `b v d` each image shows one of its v views. With
    `rows`, those of `x` are meant: what is to be cropped on a CPU is then not copied before.
    """
    if not is_random(x, augment):
        return to_eval_input(_taken(x, rows), resize)
    if x.dtype != torch.uint8:
        return _any_view(_taken(x, rows), generator)
    b = len(x if rows is None else rows)
    with one_thread():  # MKL takes all of them to the root of 32 numbers
        boxes = random_boxes(b, generator)
        flip = torch.rand(b, generator=generator) < 0.5
    seen = crop(x, boxes, flip & (augment != "crop"), resize, rows)
    if augment == "jitter":
        return jitter(scale(seen), generator)
    return rand_augment(scale(seen), generator) if augment == "strong" else seen


def _taken(x: Shaped[Tensor, "n ..."], rows: Int[Tensor, "b"] | None) -> Shaped[Tensor, "b ..."]:
    if rows is None:
        return x
    with one_thread():
        return x.index_select(0, rows.to(x.device))


def _any_view(x: Float[Tensor, "b v d"], generator: torch.Generator) -> Float[Tensor, "b d"]:
    b, v, _ = x.shape
    view = torch.randint(v, (b,), generator=generator)
    return x[torch.arange(b, device=x.device), view.to(x.device, non_blocking=True)]


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
    x: UInt8[Tensor, "n h w c"],
    boxes: Boxes,
    flip: Bool[Tensor, "b"],
    resize: Resize,
    rows: Int[Tensor, "b"] | None = None,
) -> Pixels:
    """The box of each image, or of each at `rows`, as `resize` says, mirrored if `flip`.

    On a CPU boxes are rounded to whole pixels and shrunk without aliasing, to bytes, as torchvision
    does by default; elsewhere they are sampled where they are, and numbers in 0..1.
    """
    if x.device.type == "cpu":
        return crop_by_resizing(x, boxes, flip, resize, rows)
    return crop_by_sampling(_taken(x, rows), boxes, flip, resize)


def crop_by_sampling(
    x: UInt8[Tensor, "b h w c"], boxes: Boxes, flip: Bool[Tensor, "b"], resize: Resize
) -> Float[Tensor, "b c s s"]:
    """`crop` in one batched operation: between the pixels next to each place."""
    boxes, flip = (v.to(x.device, non_blocking=True) for v in (boxes, flip))
    top, left, height, width = boxes.unbind(1)
    theta = boxes.new_zeros(len(x), 2, 3)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = 2 * left + width - 1
    theta[:, 1, 2] = 2 * top + height - 1
    shape = [len(x), x.shape[3], resize.side, resize.side]
    grid = F.affine_grid(theta, shape, align_corners=False)
    seen = F.grid_sample(scale(_seen(x)), grid, resize.interpolation, "border", False)
    return seen.clamp_(0, 1)


def crop_by_resizing(
    x: UInt8[Tensor, "n h w c"],
    boxes: Boxes,
    flip: Bool[Tensor, "b"],
    resize: Resize,
    rows: Int[Tensor, "b"] | None = None,
) -> UInt8[Tensor, "b c s s"]:
    """`crop` image by image, shared over torch's number of threads, which changes no pixel."""
    side, write = resize.side, _RESIZE[resize.interpolation]
    stored, seen = _seen(x), _seen(x.new_empty(len(boxes), side, side, x.shape[3]))
    at = range(len(x)) if rows is None else rows.tolist()
    corners = to_whole_pixels(boxes, *x.shape[1:3]).tolist()

    def one(row: int, box: list[int], mirror: bool, place: Tensor) -> None:
        top, left, bottom, right = box
        piece = stored[row : row + 1, :, top:bottom, left:right]
        write(piece, (side, side), False, out=place)
        if mirror:
            place.copy_(place.flip(3))

    map_in_threads(one, zip(at, corners, flip.tolist(), seen.split(1), strict=True))
    return seen


def to_whole_pixels(boxes: Boxes, height: int, width: int) -> Int[Tensor, "b 4"]:
    """Top, left, bottom and right of boxes of `height` by `width` images, nearest to their own."""
    first, size = boxes.split(2, 1)
    sides = torch.tensor([height, width])
    start, end = ((at * sides + 0.5).floor().long() for at in (first, first + size))
    start = start.minimum(sides - 1)
    return torch.cat([start, end.maximum(start + 1)], 1)
