"""Operations on batches of images in 0..1, each image with its own amount, on their device.

Each operation equals torchvision's function of the same name (without `adjust_`) on float images.
On uint8 images torchvision rounds after every operation; here nothing is rounded. Images of one
channel have no color: `saturation` and `hue` leave them as they are. An operation may overwrite the
images that it is given. Amounts are on the CPU, where they were drawn, or on the images' device.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int, Shaped
from torch import Tensor

Pixels = Float[Tensor, "b c h w"]
Amounts = Float[Tensor, "b"]


def scale(x: Shaped[Tensor, "b c _ _"]) -> Float[Tensor, "b c _ _"]:
    """Convert bytes to numbers in 0..1; numbers stay as they are."""
    return x.float().div_(255) if x.dtype == torch.uint8 else x


def brightness(x: Pixels, factor: Amounts) -> Pixels:
    """Change the brightness: black at factor 0, the image itself at 1."""
    return x.mul_(_each(x, factor)).clamp_(0, 1)


def contrast(x: Pixels, factor: Amounts) -> Pixels:
    """Change the contrast: the image's mean gray at factor 0, the image itself at 1."""
    return _blend(x, _gray(x.mean((2, 3), keepdim=True)), factor)


def saturation(x: Pixels, factor: Amounts) -> Pixels:
    """Change the saturation: a gray image at factor 0, the image itself at 1."""
    return x if x.shape[1] != 3 else _blend(x, _gray(x), factor)


def sharpness(x: Pixels, factor: Amounts) -> Pixels:
    """Change the sharpness: a blur of 3 by 3 pixels at factor 0, the image itself at 1.

    The blur gives each pixel 5/13 of itself and 1/13 of each neighbor. The pixels at the border
    stay as they are.
    """
    wide = (x[..., :-2] + x[..., 1:-1]).add_(x[..., 2:])
    sums = (wide[..., :-2, :] + wide[..., 1:-1, :]).add_(wide[..., 2:, :])
    share = _each(x, (1 - factor) / 13)
    x[..., 1:-1, 1:-1].mul_(1 - 9 * share).add_(sums.mul_(share)).clamp_(0, 1)
    return x


def hue(x: Pixels, shift: Amounts) -> Pixels:
    """Turn the hues by `shift`, a share of the color circle, in HSV."""
    if x.shape[1] != 3:
        return x
    thirds = (3 * shift).round()
    sixths = 6 * shift - 2 * thirds
    turns = [(int(t), s < 0) for t, s in zip(thirds.tolist(), sixths.tolist(), strict=True)]
    for turn in {*turns}:
        rows = [i for i, each in enumerate(turns) if each == turn]
        if len(rows) == len(x):
            return _turn_hue(x, sixths.abs(), *turn)
        x[rows] = _turn_hue(x[rows], sixths[rows].abs(), *turn)
    return x


def _turn_hue(x: Pixels, sixths: Amounts, thirds: int, back: bool) -> Pixels:
    """Turn hues by some thirds of the color circle, and at most one sixth, forth or back.

    A third gives each channel the values of the channel before it. Then d sixths: from the largest
    value v and the smallest one w of a pixel, red becomes red - green + v - |blue - w - d (v - w)|
    within w..v, and the others likewise in turn. Backwards, green and blue change places in this.
    """
    planes, ahead = x.split(1, 1), -1 if back else 1
    high = planes[0].maximum(planes[1]).maximum(planes[2])
    low = planes[0].minimum(planes[1]).minimum(planes[2])
    edge = (high - low).mul_(_each(x, sixths)).add_(low)
    turned = torch.empty_like(x)
    for i, place in enumerate(turned.split(1, 1)):
        own, after, before = (planes[(i - thirds + k) % 3] for k in (0, ahead, -ahead))
        torch.sub(own, after, out=place).add_(high).sub_((before - edge).abs_())
        torch.clamp(place, low, high, out=place)
    return turned


def posterize(x: Pixels, bits: Amounts) -> Pixels:
    """Keep the first `bits` of the eight bits of each pixel."""
    step = _each(x, 2 ** (8 - bits))
    return _bytes(x).div_(step).floor_().mul_(step).div_(255)


def solarize(x: Pixels, threshold: Amounts) -> Pixels:
    """Invert every value that is `threshold` or brighter."""
    sign = (x - _each(x, threshold)).sign_().add_(0.5).sign_()  # 1 from there on, -1 below
    return x.sub_(0.5).mul_(sign).neg_().add_(0.5)


def autocontrast(x: Pixels, _: Amounts) -> Pixels:
    """Stretch each channel to 0..1, unless it has one value only."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    flat = low == high
    return x.sub_(low.masked_fill(flat, 0)).div_((high - low).masked_fill_(flat, 1))


def equalize(x: Pixels, _: Amounts) -> Pixels:
    """Make the histogram of each channel as even as its 256 values allow."""
    values = _bytes(x).long().flatten(2).flatten(0, 1)
    counts = values.new_zeros(len(values), 256).scatter_add_(1, values, torch.ones_like(values))
    table = (_equal_table(counts) / 255).to(x.dtype)
    return table.gather(1, values).reshape(x.shape)


def _equal_table(counts: Int[Tensor, "n 256"]) -> Int[Tensor, "n 256"]:
    """Return the new value of each old one, as Pillow does.

    Pixels of the brightest value do not count.
    """
    below = counts.cumsum(1) - counts
    total = counts.sum(1, keepdim=True)
    last = 255 - (counts.flip(1) > 0).int().argmax(1, keepdim=True)
    step = (total - counts.gather(1, last)) // 255
    new = (below + step // 2) // step.clamp_min(1)
    same = torch.arange(256, device=counts.device)
    return torch.where(step > 0, new.clamp_max(255), same)


def rotate(x: Pixels, degrees: Amounts) -> Pixels:
    """Turn square images counterclockwise about their middle."""
    angle = degrees.deg2rad()
    return _warp(x, [[angle.cos(), -angle.sin(), 0], [angle.sin(), angle.cos(), 0]])


def shear_x(x: Pixels, amount: Amounts) -> Pixels:
    """Move each row of square images left by `amount` times its distance from the top."""
    return _warp(x, [[1, amount, amount], [0, 1, 0]])


def shear_y(x: Pixels, amount: Amounts) -> Pixels:
    """Move each column of square images up by `amount` times its distance from the left."""
    return _warp(x, [[1, 0, 0], [amount, 1, amount]])


def translate_x(x: Pixels, share: Amounts) -> Pixels:
    """Move images right by a share of their width, in whole pixels."""
    return _warp(x, [[1, 0, -2 * (share * x.shape[3]).trunc() / x.shape[3]], [0, 1, 0]])


def translate_y(x: Pixels, share: Amounts) -> Pixels:
    """Move images down by a share of their height, in whole pixels."""
    return _warp(x, [[1, 0, 0], [0, 1, -2 * (share * x.shape[2]).trunc() / x.shape[2]]])


def _warp(x: Pixels, rows: list[list[Tensor | float]]) -> Pixels:
    """Take the nearest pixel at each place that the affine 2 by 3 matrix `rows` gives.

    Places outside the image are black.
    """
    (a, b, c), (d, e, f) = ([_each(x, v) for v in row] for row in rows)
    across, down = (_centers(x, axis) for axis in (3, 2))
    grid = x.new_empty(len(x), 2, *x.shape[2:])
    grid[:, :1].copy_(a * across).add_(b * down + c)
    grid[:, 1:].copy_(d * across).add_(e * down + f)
    places = grid.permute(0, 2, 3, 1)
    return F.grid_sample(x, places, mode="nearest", align_corners=False)


def _centers(x: Pixels, axis: int) -> Float[Tensor, "1 1 _ _"]:
    """Return the places of the pixels along an axis, of which -1 and 1 are the edges."""
    count = x.shape[axis]
    centers = (2 * torch.arange(count, device=x.device, dtype=x.dtype) + 1) / count - 1
    return centers.view(1, 1, -1, 1) if axis == 2 else centers.view(1, 1, 1, -1)


def _blend(x: Pixels, other: Float[Tensor, "b _ _ _"], factor: Amounts) -> Pixels:
    share = _each(x, factor)
    return x.mul_(share).add_(other.mul_(1 - share)).clamp_(0, 1)


def _gray(x: Pixels) -> Float[Tensor, "b 1 h w"]:
    if x.shape[1] != 3:
        return x
    red, green, blue = x.split(1, 1)
    return (red * 0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _bytes(x: Pixels) -> Pixels:
    """Return the uint8 value of each pixel; after an interpolation, the nearest."""
    return x.mul_(255).round_()


def _each(x: Pixels, amount: Amounts | float) -> Float[Tensor, "_ 1 1 1"] | float:
    """Return the amount of each image so that it multiplies all pixels of it, where these are."""
    if not isinstance(amount, Tensor):
        return amount
    return amount[:, None, None, None].to(x.device, non_blocking=True)
