"""Images of any size to squares, as `da.data.decode` makes them of files, in a network's graph."""

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, Shaped
from torch import Tensor

from da.config.choices import Fit


def resize_to_square(
    x: Shaped[Tensor, "b h w 3"], side: int, fit: Fit = "squash"
) -> Float[Tensor, "b {side} {side} 3"]:
    """Resize images of values from 0 to 255 to `side` by `side` pixels with values from 0 to 1.

    The result is that of `da.data.decode`, but not rounded. Images that have this size already keep
    their exact values.

    Args:
        x: Images of one size.
        side: Width and height of the squares, in pixels.
        fit: How images that are no squares become squares.
    """
    pixels = rearrange(x, "b h w c -> b c h w").float()
    if fit == "squash":
        pixels = F.interpolate(pixels, (side, side), mode="bicubic", antialias=True)
    else:
        down, across = _weights(pixels, side, fit)
        pixels = down @ pixels @ across.mT
    return rearrange(pixels.clamp(0, 255) / 255, "b c h w -> b h w c")


def _weights(
    x: Float[Tensor, "b c h w"], side: int, fit: Fit
) -> tuple[Float[Tensor, "{side} h"], Float[Tensor, "{side} w"]]:
    """Return the weights of rows and columns of an image in those of its square.

    They are computed by tensors, so that an exported graph does so for every size.
    """
    pixels = [torch.arange(n, dtype=torch.float64, device=x.device) for n in x.shape[2:]]
    sizes = torch.stack([every.new_ones(every.shape).sum() for every in pixels])
    if fit == "crop":
        shown, filled = sizes.min().expand(2), sizes.new_full((2,), side)
    else:
        shown, filled = sizes, (sizes * side / sizes.max() + 0.5).floor().clamp(min=1)
    start, first = ((sizes - shown) / 2).floor(), ((side - filled) / 2).floor()
    edges = torch.stack([start, shown, first, filled], 1)
    down, across = (_axis(*pair, side) for pair in zip(pixels, edges, strict=True))
    return down, across


def _axis(
    pixel: Float[Tensor, "n"], edges: Float[Tensor, "4"], side: int
) -> Float[Tensor, "{side} n"]:
    """Return the weights of pixels along one axis: cubic, and without aliasing.

    Args:
        pixel: Number of each pixel of the image.
        edges: First pixel that is shown and how many are; first pixel of the square that they fill
            and how many.
        side: Pixels of the square.
    """
    start, shown, first, filled = edges
    place = torch.arange(side, dtype=pixel.dtype, device=pixel.device)[:, None] - first
    scale = shown / filled
    far = (pixel + 0.5 - start - (place + 0.5) * scale).abs() / scale.clamp(min=1)
    near = (1.5 * far - 2.5) * far**2 + 1
    weight = torch.where(far < 1, near, ((-0.5 * far + 2.5) * far - 4) * far + 2)
    seen = (far < 2) & (pixel >= start) & (pixel < start + shown) & (place >= 0) & (place < filled)
    weight = weight * seen
    return (weight / weight.sum(1, keepdim=True).where(seen.any(1, keepdim=True), 1)).float()
