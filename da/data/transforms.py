"""Turning stored uint8 images into network input on their device."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int, Shaped, UInt8
from torch import Tensor

from da.config.choices import Augment, Interpolation
from da.data.augment import jitter, rand_augment
from da.data.image_ops import scale
from da.data.stored_rows import StoredRows, cut_row, take_rows
from da.system.threads import map_in_threads, one_thread

Boxes = Float[Tensor, "b 4"]
"""Top, left, height and width of each image's crop, as shares of the image's sides."""

_RESIZE: dict[Interpolation, Callable[..., Tensor]] = {
    "bilinear": torch._C._nn._upsample_bilinear2d_aa,
    "bicubic": torch._C._nn._upsample_bicubic2d_aa,
}
"""The functions behind F.interpolate(antialias=True), which can be told where to write."""


@dataclass(frozen=True)
class Resize:
    """The size of network input, and how stored images are brought to it."""

    side: int = 0
    """Width and height of network input in pixels; 0 where it is not known."""
    interpolation: Interpolation = "bilinear"
    """How pixels between the stored ones are computed."""
    crop_pct: float = 1.0
    """Share of its sides that evaluation shows of an image that has to be enlarged."""


Pixels = Shaped[Tensor, "b c _ _"]
"""Network input, channels last in memory: bytes as stored, or numbers in 0..1."""


def _channels_first(x: Shaped[Tensor, "b h w c"]) -> Shaped[Tensor, "b c h w"]:
    """Put channels first, as networks expect, without a copy."""
    return rearrange(x, "b h w c -> b c h w")


SHOWN = 7 / 8
"""Least share of the sides of a larger image that is shown: 224 of 256 pixels, as is usual."""


def shrinks(x: Shaped[Tensor, "b ..."] | StoredRows, resize: Resize) -> bool:
    """Return whether `crop_center` shrinks images of this size before it crops them."""
    return x.ndim == 4 and min(x.shape[1:3]) > math.ceil(resize.side / SHOWN) > 0


def crop_center(x: Shaped[Tensor, "b h w c"], resize: Resize) -> Pixels:
    """Crop the middle `resize.side` pixels of each image, after enlarging smaller images.

    Images that are so large that less than `SHOWN` of them would be seen are shrunk first. Images
    are bytes as stored, or numbers in 0..1.
    """
    small, x = shrinks(x, resize), _channels_first(x)
    if small:
        wide = math.ceil(resize.side / SHOWN)
        x = F.interpolate(scale(x), (wide, wide), mode=resize.interpolation, antialias=True)
        return _middle(x, resize.side).clamp(0, 1)
    middle = _middle(x, resize.side)
    if middle.shape[-1] == resize.side:
        return middle
    wide = round(resize.side / resize.crop_pct)
    large = F.interpolate(scale(middle), (wide, wide), mode=resize.interpolation, antialias=True)
    return _middle(large, resize.side).clamp(0, 1)


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
        return crop_center(x, resize)
    return x[:, 0] if x.ndim == 3 else x


def is_random(x: Shaped[StoredRows, "b ..."], augment: Augment) -> bool:
    """Return whether `augment_images` draws random numbers.

    It does for pixels that are augmented, and for features of several views.
    """
    return augment != "none" if x.dtype == torch.uint8 else x.ndim == 3


def augment_images(
    x: Shaped[StoredRows, "n ..."],
    resize: Resize,
    augment: Augment,
    generator: torch.Generator,
    rows: Int[Tensor, "b"] | None = None,
) -> Shaped[Tensor, "b ..."]:
    """Turn stored images into network input for training, each with its own random changes.

    Features `b d` stay as they are. Of features `b v d`, one of its v views is drawn for each
    image.

    Args:
        x: Pixels as uint8, or features.
        resize: Size of network input, and how images are brought to it.
        augment: How pixels are changed at random.
        generator: Random numbers, on the CPU.
        rows: Rows of `x` to use; all if None. On a CPU this saves a copy of what is cropped.
    """
    if not is_random(x, augment):
        return to_eval_input(_select_rows(x, rows), resize)
    if x.dtype != torch.uint8:
        return _draw_view(_select_rows(x, rows), generator)
    b = len(x if rows is None else rows)
    with one_thread():  # MKL uses all threads even for the root of 32 numbers
        boxes = random_boxes(b, generator)
        flip = torch.rand(b, generator=generator) < 0.5
    seen = crop(x, boxes, flip & (augment != "crop"), resize, rows)
    if augment == "jitter":
        return jitter(seen, generator)
    return rand_augment(seen, generator) if augment == "strong" else seen


def _select_rows(
    x: Shaped[StoredRows, "n ..."], rows: Int[Tensor, "b"] | None
) -> Shaped[Tensor, "b ..."]:
    if not isinstance(x, Tensor):  # which may decode files in several threads
        return take_rows(x, rows)
    with one_thread():
        return take_rows(x, rows)


def _draw_view(x: Float[Tensor, "b v d"], generator: torch.Generator) -> Float[Tensor, "b d"]:
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
    return crop_by_sampling(_select_rows(x, rows), boxes, flip, resize)


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
    seen = F.grid_sample(scale(_channels_first(x)), grid, resize.interpolation, "border", False)
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
    seen = _channels_first(torch.empty(len(boxes), side, side, x.shape[3], dtype=torch.uint8))
    at = range(len(x)) if rows is None else rows.tolist()
    corners = to_whole_pixels(boxes, *x.shape[1:3]).tolist()

    def one(row: int, box: list[int], mirror: bool, place: Tensor) -> None:
        top, left, bottom, right = box
        write(
            _channels_first(cut_row(x, row, (left, top, right, bottom))[None]),
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
