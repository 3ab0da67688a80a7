"""Random changes of color and shape, drawn on the CPU and applied on the images' device."""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

from da.data import image_ops

Operation = Callable[[Tensor, Tensor], Tensor]
"""A function of images and one amount for each, as in `da.data.image_ops`."""

COLORS: tuple[Operation, ...] = (
    image_ops.brightness,
    image_ops.contrast,
    image_ops.saturation,
    image_ops.hue,
)
"""ColorJitter's operations, in the order of their strengths."""

OPERATIONS: tuple[tuple[Operation, Callable[[Tensor], Tensor]], ...] = (
    (image_ops.autocontrast, torch.abs),
    (image_ops.equalize, torch.abs),
    (image_ops.posterize, lambda m: 8 - (4 * m.abs()).round()),
    (image_ops.solarize, lambda m: 1 - m.abs()),
    (image_ops.brightness, lambda m: 1 + 0.9 * m),
    (image_ops.contrast, lambda m: 1 + 0.9 * m),
    (image_ops.saturation, lambda m: 1 + 0.9 * m),
    (image_ops.sharpness, lambda m: 1 + 0.9 * m),
    (image_ops.rotate, lambda m: 30 * m),
    (image_ops.shear_x, lambda m: 0.3 * m),
    (image_ops.shear_y, lambda m: 0.3 * m),
    (image_ops.translate_x, lambda m: 150 / 331 * m),
    (image_ops.translate_y, lambda m: 150 / 331 * m),
)
"""RandAugment's operations except identity, and the amount of each at a magnitude in -1..1.

The amounts are torchvision's.
"""


def jitter(
    x: Float[Tensor, "b c h w"],
    generator: torch.Generator,
    strengths: tuple[float, float, float, float] = (0.4, 0.4, 0.4, 0.1),
) -> Float[Tensor, "b c h w"]:
    """Change brightness, contrast, saturation and hue at random, in a random order per image.

    The operation is torchvision's ColorJitter, with the strengths of MoCo v2's code (Chen et al.
    2020). Differs from that code: it leaves one image in five as it is; here every image changes.

    Args:
        x: Images in 0..1; overwritten.
        generator: Random numbers, on the CPU.
        strengths: Largest change of brightness, contrast, saturation and hue.
    """
    middle, reach = torch.tensor([1.0, 1, 1, 0]), torch.tensor(strengths)
    low = torch.maximum(middle - reach, torch.tensor([0, 0, 0, -0.5]))
    amounts = low + torch.rand(len(x), 4, generator=generator) * (middle + reach - low)
    order = torch.rand(len(x), 4, generator=generator).argsort(1)
    for which in order.unbind(1):
        for k, operation in enumerate(COLORS):
            _apply(operation, x, which == k, amounts[:, k])
    return x


def rand_augment(
    x: Float[Tensor, "b c s s"], generator: torch.Generator, n: int = 2, magnitude: float = 10
) -> Float[Tensor, "b c s s"]:
    """Apply `n` random operations to each image, as RandAugment does (Cubuk et al. 2020).

    Operations and amounts are those of torchvision's RandAugment, including identity. The defaults
    n = 2 and magnitude 10 are FixMatch's usual numbers. Differs from FixMatch's codes: they draw
    magnitudes up to 10 out of 10.

    Args:
        x: Square images in 0..1; overwritten.
        generator: Random numbers, on the CPU.
        n: Operations per image.
        magnitude: Strength of every operation, from 0 to 30.
    """
    assert 0 <= magnitude <= 30, magnitude
    choice = torch.randint(1 + len(OPERATIONS), (n, len(x)), generator=generator)
    sign = 2 * torch.randint(2, (n, len(x)), generator=generator) - 1
    for which, signed in zip(choice, sign * magnitude / 30, strict=True):
        for k, (operation, amount) in enumerate(OPERATIONS, start=1):
            _apply(operation, x, which == k, amount(signed))
    return x


def _apply(operation: Operation, x: Tensor, chosen: Tensor, amounts: Tensor) -> None:
    """Apply `operation` in place to the chosen images, all at once."""
    rows = chosen.nonzero().squeeze(1)
    if len(rows):
        at, amount = (v.to(x.device, non_blocking=True) for v in (rows, amounts[rows]))
        x[at] = operation(x[at], amount)
