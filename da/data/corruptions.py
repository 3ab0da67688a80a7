"""Fifteen corruptions of images at five severities, for streams at test time.

Names and order are those of Hendrycks & Dietterich 2019, arXiv:1903.12261. The corruptions are our
own, for small pictures of any size: numbers on them do not compare with numbers on CIFAR-10-C or
ImageNet-C. All random numbers come from numpy, so that pixels are the same on every machine.
"""

import hashlib
import io
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, UInt8
from PIL import Image
from torch import Tensor

from da.system.threads import one_thread

BLOCK = 256
"""Images that are changed together, with random numbers of their own."""

Pixels = Float[Tensor, "n 3 s s"]
"""Images in 0..1, in double precision."""

Change = Callable[[Tensor, int, np.random.Generator], Tensor]
"""Function of images, the severity from 0 to 4, and random numbers."""


def corrupt(x: UInt8[np.ndarray, "n s s 3"], name: str, severity: int) -> UInt8[np.ndarray, "..."]:
    """Return square color images with a corruption, the same at each call.

    Args:
        x: Images.
        name: Name of the corruption, one of `da.config.corruption_names`.
        severity: From 1 to 5.
    """
    seed = int(hashlib.sha256(name.encode()).hexdigest()[:8], 16)
    changed = []
    with one_thread():
        for number, start in enumerate(range(0, len(x), BLOCK)):
            block = torch.from_numpy(x[start : start + BLOCK].astype(np.float64) / 255)
            draws = np.random.default_rng((seed, number))  # severities share their draws
            seen = CHANGES[name](block.permute(0, 3, 1, 2), severity - 1, draws)
            changed.append((seen.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1))
    return torch.cat(changed).contiguous().numpy()


def gaussian_noise(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Add normal noise."""
    return x + (0.06, 0.1, 0.15, 0.22, 0.3)[severity] * _normal(x, draws)


def shot_noise(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Count light in few quanta."""
    quanta = (60, 30, 15, 8, 4)[severity]
    return torch.from_numpy(draws.poisson(x.numpy() * quanta) / quanta)


def impulse_noise(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Set some values to black or white."""
    chance = torch.from_numpy(draws.random(x.shape))
    value = torch.from_numpy(draws.integers(2, size=x.shape).astype(float))
    return torch.where(chance < (0.02, 0.05, 0.09, 0.15, 0.23)[severity], value, x)


def defocus_blur(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Average over a disk."""
    radius = 0.5 + x.shape[-1] * (0.008, 0.014, 0.021, 0.03, 0.04)[severity]
    reach = math.ceil(radius)
    line = torch.arange(-reach, reach + 1).double()
    disk = (radius + 0.5 - (line[:, None].square() + line.square()).sqrt()).clamp(0, 1)
    return _filter(x, disk / disk.sum())


def glass_blur(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Exchange near pixels, between two slight blurs."""
    reach = x.shape[-1] * (0.006, 0.01, 0.015, 0.021, 0.03)[severity]
    shift = torch.from_numpy(draws.uniform(-1, 1, (len(x), 2, *x.shape[2:])))
    blur = 0.4 + 0.005 * x.shape[-1] * severity / 4
    return _blur(_sample(_blur(x, blur), reach * shift), blur)


def motion_blur(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Average along a line of a random direction."""
    angle = torch.from_numpy(draws.uniform(0, math.pi, len(x)))
    length = x.shape[-1] * (0.05, 0.08, 0.12, 0.16, 0.21)[severity]
    way = torch.stack([angle.cos(), angle.sin()], 1)[:, :, None, None]
    steps = torch.linspace(-0.5, 0.5, 2 * math.ceil(length) + 1).tolist()
    return _mean(_sample(x, t * length * way) for t in steps)


def zoom_blur(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Average over enlargements up to a largest one."""
    most = (0.08, 0.14, 0.2, 0.28, 0.38)[severity]
    zooms = np.linspace(0, most, 12).tolist()
    center = _places(x.shape[-1])
    return _mean(_sample(x, center * (1 / (1 + zoom) - 1)) for zoom in zooms)


def snow(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Bleach the picture, and let flakes fall aslant."""
    amount = (0.03, 0.05, 0.075, 0.105, 0.14)[severity]
    flakes = torch.from_numpy(draws.random((len(x), 1, *x.shape[2:])) < amount).double()
    angle = torch.from_numpy(draws.uniform(1.0, 2.1, len(x)))
    way = x.shape[-1] * torch.stack([angle.cos(), angle.sin()], 1)[:, :, None, None]
    fall = np.linspace(-0.03, 0.03, 7).tolist()
    streaks = _mean(_sample(flakes, t * way) for t in fall)
    flakes = (2.1 * _blur(streaks, 0.4)).clamp(0, 1)
    bleached = torch.lerp(x, 0.55 + 0.45 * x.mean(1, keepdim=True), 2 * amount)
    return torch.lerp(bleached, torch.full_like(x, 0.93), flakes)


def frost(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Lay bright ridges of ice over a darker picture."""
    ridges = 1 - (2 * _plasma(x, draws, rough=0.7) - 1).abs()
    ice = ridges.pow(2) * torch.tensor([0.8, 0.9, 1.0]).double().view(3, 1, 1)
    share = (0.25, 0.38, 0.5, 0.62, 0.74)[severity]
    return (1 - share) * x + share * ice


def fog(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Mix the picture with clouds of light."""
    thick = (0.5, 0.9, 1.4, 2.1, 3.0)[severity]
    return (x + thick * _plasma(x, draws, rough=0.45)) / (1 + thick)


def brightness(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Add light."""
    return x + (0.1, 0.2, 0.3, 0.42, 0.55)[severity]


def contrast(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Draw all values near the mean of the picture."""
    mean = x.mean((1, 2, 3), keepdim=True)
    return torch.lerp(mean, x, (0.6, 0.45, 0.32, 0.21, 0.12)[severity])


def elastic_transform(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Bend the picture by a smooth field."""
    side = x.shape[-1]
    field = torch.from_numpy(draws.uniform(-1, 1, (len(x), 2, side, side)))
    field = _blur(field, 0.05 * side)
    field = field / field.std((2, 3), keepdim=True)
    return _sample(x, side * (0.012, 0.02, 0.03, 0.042, 0.056)[severity] * field)


def pixelate(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Show fewer, larger pixels."""
    few = round(2 + x.shape[-1] * (0.64, 0.46, 0.32, 0.25, 0.18)[severity])
    return F.interpolate(F.adaptive_avg_pool2d(x, few), x.shape[2:], mode="nearest")


def jpeg_compression(x: Pixels, severity: int, draws: np.random.Generator) -> Pixels:
    """Store the picture as JPEG of low quality."""
    quality = (40, 25, 15, 9, 5)[severity]
    pictures = (x * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return torch.stack([_through_jpeg(picture, quality) for picture in pictures])


def _through_jpeg(picture: UInt8[np.ndarray, "s s 3"], quality: int) -> Tensor:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return torch.from_numpy(np.array(Image.open(file)) / 255).permute(2, 0, 1)


EVERY: tuple[Change, ...] = (
    *(gaussian_noise, shot_noise, impulse_noise),
    *(defocus_blur, glass_blur, motion_blur, zoom_blur),
    *(snow, frost, fog, brightness),
    *(contrast, elastic_transform, pixelate, jpeg_compression),
)

CHANGES = {change.__name__: change for change in EVERY}
"""Each corruption by its published name."""


def _mean(seen: Iterator[Tensor]) -> Tensor:
    """Return the mean of several images, of which one at a time is in memory."""
    total, count = next(seen).clone(), 1
    for each in seen:
        total += each
        count += 1
    return total / count


def _normal(x: Pixels, draws: np.random.Generator) -> Tensor:
    return torch.from_numpy(draws.standard_normal(x.shape))


def _filter(x: Tensor, kernel: Float[Tensor, "k l"]) -> Tensor:
    """Return images filtered by a kernel, with pixels of the border repeated."""
    height, width = (size // 2 for size in kernel.shape)
    padded = F.pad(x.flatten(0, 1)[:, None], (width, width, height, height), "replicate")
    return F.conv2d(padded, kernel[None, None]).view_as(x)


def _blur(x: Tensor, sigma: float) -> Tensor:
    """Return images after a Gaussian filter of `sigma` pixels."""
    reach = max(1, math.ceil(3 * sigma))
    line = (-0.5 * (torch.arange(-reach, reach + 1).double() / sigma).square()).exp()
    line = line / line.sum()
    return _filter(_filter(x, line[None]), line[:, None])


def _places(side: int) -> Float[Tensor, "1 2 s s"]:
    """Return where each pixel is, across and down from the middle, in pixels."""
    line = torch.arange(side).double() - (side - 1) / 2
    return torch.stack(torch.meshgrid(line, line, indexing="xy"))[None]


def _sample(x: Tensor, shift: Tensor) -> Tensor:
    """Return images seen at places that are moved by `shift`, in pixels across and down."""
    side = x.shape[-1]
    at = (_places(side) + shift).expand(len(x), -1, -1, -1) * 2 / side
    return F.grid_sample(x, at.permute(0, 2, 3, 1), "bilinear", "border", False)


def _plasma(x: Pixels, draws: np.random.Generator, rough: float) -> Float[Tensor, "n 1 s s"]:
    """Return clouds in 0..1: noise of several scales, finer ones with less weight.

    Args:
        x: Images, for their number and size.
        draws: Random numbers.
        rough: Weight of each scale, as a share of that of the next coarser one.
    """
    clouds = torch.zeros(len(x), 1, *x.shape[2:]).double()
    for scale in range(1, 6):
        grid = torch.from_numpy(draws.random((len(x), 1, 2**scale + 1, 2**scale + 1)))
        fine = F.interpolate(grid, x.shape[2:], mode="bilinear", align_corners=True)
        clouds += rough**scale * fine
    low, high = clouds.amin((2, 3), keepdim=True), clouds.amax((2, 3), keepdim=True)
    return (clouds - low) / (high - low)
