"""Crops of stored images, drawn on the CPU and cut on the images' device."""

import math
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from da.config.choices import Interpolation
from da.data.image_ops import scale
from da.data.stored_rows import StoredRows, cut_row, take_rows
from da.data.transforms import Pixels, Resize, channels_first, framed_side
from da.system.threads import map_in_threads, one_thread

Boxes = Float[Tensor, "b 4"]
"""Top, left, height and width of each image's crop, as shares of the image's sides."""

_RESIZE: dict[Interpolation, Callable[..., Tensor]] = {
    "bilinear": torch._C._nn._upsample_bilinear2d_aa,
    "bicubic": torch._C._nn._upsample_bicubic2d_aa,
}
"""The functions behind F.interpolate(antialias=True), which can be told where to write."""


def random_boxes(
    b: int,
    generator: torch.Generator,
    area: Sequence[float] = (0.08, 1.0),
    ratio: tuple[float, float] = (3 / 4, 4 / 3),
    tries: int = 10,
) -> Boxes:
    """Draw a random crop of each square image, as torchvision's RandomResizedCrop does.

    Args:
        b: Images to draw crops for.
        generator: Random numbers, on the CPU.
        area: Smallest and largest share of the image's area.
        ratio: Smallest and largest ratio of width to height.
        tries: Draws of area and ratio. The first that fits is taken, else the whole image.
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


def place_boxes(shape: Sequence[int], b: int, generator: torch.Generator, resize: Resize) -> Boxes:
    """Draw a random square of each image, as large as the middle one that evaluation shows.

    It has whole pixels, `resize.side` of them a side where images are neither enlarged nor shrunk
    before they are cropped, as torchvision's RandomCrop.

    Args:
        shape: Height and width of the stored images.
        b: Images to draw squares for.
        generator: Random numbers, on the CPU.
        resize: Size of network input.
    """
    sides, cut = torch.tensor([*shape]), _cut(shape, resize)
    at = torch.rand(b, 2, generator=generator) * (sides - cut + 1)
    return _squares(at.floor(), cut, sides)


def center_boxes(shape: Sequence[int], b: int, resize: Resize) -> Boxes:
    """Return the square in the middle of each image; arguments are those of `place_boxes`."""
    sides, cut = torch.tensor([*shape]), _cut(shape, resize)
    return _squares(((sides - cut) // 2).expand(b, 2), cut, sides)


def _cut(shape: Sequence[int], resize: Resize) -> int:
    """Return how many stored pixels a side a square has that becomes network input."""
    return round(min(shape) * resize.side / framed_side(min(shape), resize))


def _squares(start: Shaped[Tensor, "b 2"], cut: int, sides: Int[Tensor, "2"]) -> Boxes:
    return torch.cat([start / sides, (cut / sides).expand(len(start), 2)], 1)


def crop(
    x: UInt8[StoredRows, "n h w c"],
    boxes: Boxes,
    flip: Bool[Tensor, "b"],
    resize: Resize,
    rows: Int[Tensor, "b"] | None = None,
) -> Pixels:
    """Crop the box of each image and bring it to the size of network input.

    On a CPU, boxes are rounded to whole pixels and shrunk without aliasing to bytes, as torchvision
    does by default. Elsewhere, boxes are sampled exactly where they are, to numbers in 0..1.

    Args:
        x: Images to crop.
        boxes: A box for each image, or for each of `rows`.
        flip: Which crops are mirrored.
        resize: Size of network input, and how boxes are brought to it.
        rows: Rows of `x` to crop; all if None.
    """
    if x.device.type == "cpu":
        return crop_by_resizing(x, boxes, flip, resize, rows)
    return crop_by_sampling(select_rows(x, rows), boxes, flip, resize)


def crop_by_sampling(
    x: UInt8[Tensor, "b h w c"], boxes: Boxes, flip: Bool[Tensor, "b"], resize: Resize
) -> Float[Tensor, "b c s s"]:
    """Do as `crop` does, in one batched operation that interpolates between neighboring pixels.

    Args:
        x: Images to crop.
        boxes: The box of each image.
        flip: Which crops are mirrored.
        resize: Size of network input, and how boxes are brought to it.
    """
    boxes, flip = (v.to(x.device, non_blocking=True) for v in (boxes, flip))
    top, left, height, width = boxes.unbind(1)
    theta = boxes.new_zeros(len(x), 2, 3)
    theta[:, 0, 0] = torch.where(flip, -width, width)
    theta[:, 1, 1] = height
    theta[:, 0, 2] = 2 * left + width - 1
    theta[:, 1, 2] = 2 * top + height - 1
    shape = [len(x), x.shape[3], resize.side, resize.side]
    grid = F.affine_grid(theta, shape, align_corners=False)
    seen = F.grid_sample(scale(channels_first(x)), grid, resize.interpolation, "border", False)
    return seen.clamp_(0, 1)


def crop_by_resizing(
    x: UInt8[StoredRows, "n h w c"],
    boxes: Boxes,
    flip: Bool[Tensor, "b"],
    resize: Resize,
    rows: Int[Tensor, "b"] | None = None,
) -> UInt8[Tensor, "b c s s"]:
    """Do as `crop` does, image by image, in as many threads as torch uses.

    The number of threads changes no pixel.

    Args:
        x: Images to crop.
        boxes: A box for each image, or for each of `rows`.
        flip: Which crops are mirrored.
        resize: Size of network input, and how boxes are brought to it.
        rows: Rows of `x` to crop; all if None.
    """
    side, write = resize.side, _RESIZE[resize.interpolation]
    seen = channels_first(torch.empty(len(boxes), side, side, x.shape[3], dtype=torch.uint8))
    at = range(len(x)) if rows is None else rows.tolist()
    corners = to_whole_pixels(boxes, *x.shape[1:3]).tolist()

    def one(row: int, box: list[int], mirror: bool, place: Tensor) -> None:
        top, left, bottom, right = box
        write(
            channels_first(cut_row(x, row, (left, top, right, bottom))[None]),
            (side, side),
            False,
            out=place,
        )
        if mirror:
            place.copy_(place.flip(3))

    map_in_threads(one, zip(at, corners, flip.tolist(), seen.split(1), strict=True))
    return seen


def to_whole_pixels(boxes: Boxes, height: int, width: int) -> Int[Tensor, "b 4"]:
    """Round boxes to whole pixels, given as top, left, bottom and right.

    Args:
        boxes: Boxes as shares of the image's sides.
        height: Height of the images in pixels.
        width: Width of the images in pixels.
    """
    first, size = boxes.split(2, 1)
    sides = torch.tensor([height, width])
    start, end = ((at * sides + 0.5).floor().long() for at in (first, first + size))
    start = start.minimum(sides - 1)
    return torch.cat([start, end.maximum(start + 1)], 1)


def select_rows(
    x: Shaped[StoredRows, "n ..."], rows: Int[Tensor, "b"] | None
) -> Shaped[Tensor, "b ..."]:
    """Return some rows, or all where `rows` is None, copied by one thread."""
    if not isinstance(x, Tensor):  # which may decode files in several threads
        return take_rows(x, rows)
    with one_thread():
        return take_rows(x, rows)
