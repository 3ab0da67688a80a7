"""Weights, batches and a picture that every version of every library makes digit by digit.

A number is the top 24 bits of a 64-bit hash (splitmix64, Steele et al. 2014) of its stream's name
and its position, so that float32 holds it exactly.
"""

import hashlib
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

CLASSES = 5
PIXELS = 10
"""Numbers of an image, which are the input of the backbone."""
WIDTH = 12
"""Width of the backbone, of the bottleneck and of hidden layers of heads."""
HIDDEN = 16
"""Width of hidden layers of a discriminator."""
BATCH = 16
STEPS = 50


class Backbone(nn.Sequential):
    """A network from images to features, small enough for 50 steps in a tenth of a second."""

    def __init__(self) -> None:
        super().__init__(nn.Linear(PIXELS, WIDTH), nn.BatchNorm1d(WIDTH), nn.ReLU())
        self.width = self.out_features = WIDTH


@dataclass(frozen=True)
class Step:
    """Images of one training step."""

    x_s: Tensor
    y_s: Tensor
    x_t: Tensor
    strong: Tensor
    """Another view of the target images."""


def stream(name: str, *shape: int) -> Tensor:
    """Return numbers in -1..1 that depend on a name alone, as float64."""
    seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, math.prod(shape) + 1, dtype=np.uint64) * np.uint64(
            0x9E3779B97F4A7C15
        )
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = (z ^ (z >> np.uint64(31))) >> np.uint64(40)
    numbers = z.astype(np.float64) / 2**23 - 1
    return torch.from_numpy(numbers.reshape(shape))


def rounded(x: Tensor) -> Tensor:
    """Round to float32, and give PyTorch's default format, so that both begin alike."""
    return x.float().to(torch.get_default_dtype())


def initial(role: str, place: int, parameter: Tensor) -> Tensor:
    """Return the initial value of a parameter.

    Matrices are within 1 / sqrt(inputs), scales of batch norms within 0.25 of 1, and biases within
    0.25 of 0.

    Args:
        role: Part of the network: backbone, bottleneck, head, rival or discriminator.
        place: Position of the parameter in that part.
        parameter: The parameter as its library made it.
    """
    numbers = stream(f"{role}.{place}", *parameter.shape)
    if parameter.ndim > 1:
        return rounded(numbers / parameter[0].numel() ** 0.5)
    return rounded(numbers / 4 + bool(parameter.detach().mean() > 0.5))


@torch.no_grad()
def fill(role: str, parameters: Iterable[Tensor]) -> None:
    """Give all parameters of a part their initial values."""
    for place, parameter in enumerate(parameters):
        parameter.copy_(initial(role, place, parameter))


def describe(parameters: Sequence[Tensor]) -> dict[str, Any]:
    """Return the shape of each parameter, which ones are scales, and a digest of their values."""
    scales = [i for i, p in enumerate(parameters) if p.ndim == 1 and p.mean() > 0.5]
    shapes = [list(p.shape) for p in parameters]
    return {"shapes": shapes, "scales": scales, "digest": digest(parameters)}


def random_map(place: int, *shape: int) -> Tensor:
    """Return a matrix with mean 0 and variance near 1, for CDAN's random map."""
    return rounded(stream(f"random_map.{place}", *shape) * 1.75)


def batches(many: int = 1) -> list[Step]:
    """Return the images of all steps: classes around centers, which the target moves.

    Args:
        many: Target images for each source image.
    """
    centers = 2 * stream("centers", CLASSES, PIXELS)
    moved = centers + stream("shift", PIXELS)
    steps = []
    for step in range(STEPS):
        noise = [stream(f"{name}.{step}", BATCH * many, PIXELS) for name in ("x_s", "x_t", "view")]
        labels = [_labels(f"{name}.{step}", BATCH * many) for name in ("y_s", "y_t")]
        x_t = rounded(moved[labels[1]] + noise[1])
        x_s = rounded(centers[labels[0][:BATCH]] + noise[0][:BATCH])
        steps.append(Step(x_s, labels[0][:BATCH], x_t, rounded(x_t.double() + noise[2] / 2)))
    return steps


def _labels(name: str, count: int) -> Tensor:
    return ((stream(name, count) + 1) / 2 * CLASSES).long()


def picture(height: int = 300, width: int = 200) -> np.ndarray:
    """Return a picture as bytes, height by width by 3: waves of a few pixels, and noise."""
    rows, columns = np.mgrid[:height, :width]
    waves = (rows * 7 + columns * 3) % 61, (rows * 2 + columns * 5) % 97, (rows + columns) % 127
    noise = (stream("picture", height, width, 3).numpy() + 1) * 16
    return (np.stack(waves, -1) + noise.astype(np.int64)).astype(np.uint8)


def digest(tensors: Iterable[Tensor]) -> str:
    """Return the SHA-256 of numbers as float64, in little-endian order."""
    found = hashlib.sha256()
    for x in tensors:
        found.update(x.detach().double().numpy().astype("<f8").tobytes())
    return found.hexdigest()
