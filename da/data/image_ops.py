"""Operations on batches of images in 0..1, each image with its own amount, on their device.

Each operation equals torchvision's function of the same name (without `adjust_`) on float images.
On uint8 images torchvision rounds after every operation; here nothing is rounded. Images of one
channel have no color: `saturation` and `hue` leave them as they are.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

Pixels = Float[Tensor, "b c h w"]
Amounts = Float[Tensor, "b"]


def brightness(x: Pixels, factor: Amounts) -> Pixels:
    """Change the brightness: black at factor 0, the image itself at 1."""
    return _blend(x, torch.zeros_like(x), factor)


def contrast(x: Pixels, factor: Amounts) -> Pixels:
    """Change the contrast: the image's mean gray at factor 0, the image itself at 1."""
    return _blend(x, _gray(x).mean((1, 2, 3), keepdim=True), factor)


def saturation(x: Pixels, factor: Amounts) -> Pixels:
    """Change the saturation: a gray image at factor 0, the image itself at 1."""
    return _blend(x, _gray(x), factor)


def sharpness(x: Pixels, factor: Amounts) -> Pixels:
    """Change the sharpness: a blur of 3 by 3 pixels at factor 0, the image itself at 1.

    The pixels at the border stay as they are.
    """
    kernel = x.new_tensor([[1, 1, 1], [1, 5, 1], [1, 1, 1]]) / 13
    weight = kernel.expand(x.shape[1], 1, 3, 3)
    smooth = x.clone()
    smooth[..., 1:-1, 1:-1] = F.conv2d(x, weight, groups=x.shape[1])
    return _blend(x, smooth, factor)


def hue(x: Pixels, shift: Amounts) -> Pixels:
    """Turn the hues by `shift`, a share of the color circle, in HSV."""
    if x.shape[1] != 3:
        return x
    red, green, blue = x.unbind(1)
    value = x.amax(1)
    chroma = value - x.amin(1)
    width = chroma.masked_fill(chroma == 0, 1)
    sextant = torch.where(
        value == red,
        (green - blue) / width,
        torch.where(value == green, 2 + (blue - red) / width, 4 + (red - green) / width),
    )
    turned = (sextant + 6 * shift[:, None, None])[:, None]
    k = (turned + x.new_tensor([5, 3, 1])[:, None, None]) % 6
    return value[:, None] - chroma[:, None] * k.minimum(4 - k).clamp(0, 1)


def posterize(x: Pixels, bits: Amounts) -> Pixels:
    """Keep the first `bits` of the eight bits of each pixel."""
    step = 2 ** (8 - _each(bits))
    return (_bytes(x) / step).floor() * step / 255


def solarize(x: Pixels, threshold: Amounts) -> Pixels:
    """Invert every value that is `threshold` or brighter."""
    return torch.where(x >= _each(threshold), 1 - x, x)


def autocontrast(x: Pixels, _: Amounts) -> Pixels:
    """Stretch each channel to 0..1, unless it has one value only."""
    low, high = x.amin((2, 3), keepdim=True), x.amax((2, 3), keepdim=True)
    flat = low == high
    return (x - low.masked_fill(flat, 0)) / (high - low).masked_fill(flat, 1)


def equalize(x: Pixels, _: Amounts) -> Pixels:
    """Make the histogram of each channel as even as its 256 values allow."""
    values = _bytes(x).long().flatten(2).flatten(0, 1)
    counts = values.new_zeros(len(values), 256).scatter_add_(1, values, torch.ones_like(values))
    table = _equal_table(counts)
    return (table.gather(1, values) / 255).reshape(x.shape).to(x.dtype)


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
    one = x.new_ones(len(x))
    theta = torch.stack([torch.stack([one * v for v in row], 1) for row in rows], 1)
    grid = F.affine_grid(theta, list(x.shape), align_corners=False)
    return F.grid_sample(x, grid, mode="nearest", align_corners=False)


def _blend(x: Pixels, other: Float[Tensor, "b _ _ _"], factor: Amounts) -> Pixels:
    return torch.lerp(other.expand_as(x), x, _each(factor)).clamp_(0, 1)


def _gray(x: Pixels) -> Float[Tensor, "b 1 h w"]:
    if x.shape[1] != 3:
        return x
    return torch.einsum("bchw,c->bhw", x, x.new_tensor([0.2989, 0.587, 0.114]))[:, None]


def _bytes(x: Pixels) -> Pixels:
    """Return the uint8 value of each pixel; after an interpolation, the nearest."""
    return (x * 255).round()


def _each(amount: Amounts) -> Float[Tensor, "b 1 1 1"]:
    return amount[:, None, None, None]
