"""Random views of images in a stream, for methods whose predictions should not depend on them."""

import torch
import torch.nn.functional as F
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from da.data.augment import jitter
from da.data.transforms import scale
from da.ops.random import Dropout

STRENGTHS = 0.4, 0.3, 0.5, 0.06
"""Largest change of brightness, contrast, saturation and hue (Wang et al. 2022, CoTTA's code)."""


class View(nn.Module):
    """Gives a random view of each image in training, and the image itself otherwise.

    Features have no picture to change: a share of them is dropped. Texts stay as they are.

    Args:
        share: Share of features that is dropped.
    """

    def __init__(self, share: float):
        super().__init__()
        self.drop = Dropout(share)

    def forward(self, x: Shaped[Tensor, "b ..."]) -> Shaped[Tensor, "b ..."]:
        """Return a view of each image or of its features."""
        if not self.training or (x.ndim == 2 and not x.is_floating_point()):
            return x
        return self.drop(x) if x.ndim == 2 else change_pixels(x)


def change_pixels(x: Shaped[Tensor, "b c s s"]) -> Float[Tensor, "b c s s"]:
    """Turn, move, scale, mirror and tint images at random.

    Turns are up to 15 degrees, moves up to 1/16 of a side and scales from 0.9 to 1.1, as in CoTTA's
    code. Differs from that code: there is no blur, and no change of gamma.
    """
    b = len(x)
    turn, across, down, size, mirror = torch.rand(5, b).mul(2).sub(1)
    angle, zoom = turn * torch.pi / 12, 1 + size / 10
    flip = torch.where(mirror < 0, -1.0, 1.0)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    theta = torch.stack([flip * cos, -sin, across / 8, flip * sin, cos, down / 8], 1)
    seen = scale(x)
    grid = F.affine_grid(theta.view(b, 2, 3).to(seen), list(x.shape), align_corners=False)
    seen = F.grid_sample(seen, grid, "bilinear", "border", False).clamp(0, 1)
    seen = jitter(seen, torch.default_generator, STRENGTHS) if x.shape[1] == 3 else seen
    return (seen + 0.005 * torch.randn(x.shape).to(seen)).clamp(0, 1)
