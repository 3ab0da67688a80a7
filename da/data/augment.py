"""Random changes of color and shape, drawn on the CPU and applied on the images' device."""

from collections.abc import Callable, Sequence

import torch
from jaxtyping import Float, Int, Shaped
from torch import Tensor

from da.config.transforms import Transforms
from da.data import image_ops
from da.data.image_ops import scale
from da.system.threads import map_in_threads

_CACHED = 2**18
"""Numbers that a thread of a CPU changes at a time."""

TOP = 30
"""Largest magnitude of RandAugment's operations."""

EVEN = 100
"""Standard deviation above which magnitudes are even from 0 on, as timm's `mstd101` says it."""

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
    x: Shaped[Tensor, "b c h w"],
    generator: torch.Generator,
    strengths: Sequence[float] = (0.4, 0.4, 0.4, 0.1),
) -> Float[Tensor, "b c h w"]:
    """Change brightness, contrast, saturation and hue at random, in a random order per image.

    The operation is torchvision's ColorJitter, with the strengths of MoCo v2's code (Chen et al.
    2020). Differs from that code: it leaves one image in five as it is; here every image changes.

    Args:
        x: Images as bytes, or numbers in 0..1, which are overwritten.
        generator: Random numbers, on the CPU.
        strengths: Largest change of brightness, contrast, saturation and hue.
    """
    middle, reach = torch.tensor([1.0, 1, 1, 0]), torch.tensor(strengths)
    low = torch.maximum(middle - reach, torch.tensor([0, 0, 0, -0.5]))
    amounts = low + torch.rand(len(x), 4, generator=generator) * (middle + reach - low)
    order = torch.rand(len(x), 4, generator=generator).argsort(1)
    steps = order.T, amounts.gather(1, order).T
    return _carry_out(x, COLORS, *steps)


def recolor(
    x: Shaped[Tensor, "b c h w"], generator: torch.Generator, how: Transforms
) -> Shaped[Tensor, "b c h w"]:
    """Change the colors of images as `color_jitter` and `grayscale` say, if they do.

    Args:
        x: Images as bytes, or numbers in 0..1, which are overwritten.
        generator: Random numbers, on the CPU.
        how: Settings of the changes.
    """
    if how.color_jitter:
        x = jitter(x, generator, how.color_jitter)
    if how.grayscale:
        gray = torch.rand(1, len(x), generator=generator) < how.grayscale
        x = _carry_out(x, (image_ops.saturation,), gray.long() - 1, torch.zeros(1, len(x)))
    return x


def rand_augment(
    x: Shaped[Tensor, "b c s s"],
    generator: torch.Generator,
    n: int = 2,
    magnitude: float = 10,
    std: float = 0,
    probability: float = 1,
) -> Float[Tensor, "b c s s"]:
    """Apply `n` random operations to each image, as RandAugment does (Cubuk et al. 2020).

    Operations and amounts are those of torchvision's RandAugment, including identity. The defaults
    n = 2 and magnitude 10 are FixMatch's usual numbers. Differs from FixMatch's codes: they draw
    magnitudes up to 10 out of 10, and only darken, dull and blur where torchvision goes both ways.

    Args:
        x: Square images as bytes, or numbers in 0..1, which are overwritten.
        generator: Random numbers, on the CPU.
        n: Operations per image.
        magnitude: Strength of every operation, from 0 to 30.
        std: Standard deviation of magnitudes; above 100 they are even from 0 to `magnitude`.
        probability: Share of the operations that are carried out.
    """
    assert 0 <= magnitude <= 30, magnitude
    shape = n, len(x)
    choice = torch.randint(1 + len(OPERATIONS), shape, generator=generator)
    sign = 2 * torch.randint(2, shape, generator=generator) - 1
    signed = sign * _levels(shape, generator, magnitude, std) / TOP
    if probability < 1:
        choice = choice.masked_fill(torch.rand(shape, generator=generator) >= probability, 0)
    amounts = torch.stack([signed, *(amount(signed) for _, amount in OPERATIONS)])
    amount = amounts.gather(0, choice[None])[0]
    return _carry_out(x, [operation for operation, _ in OPERATIONS], choice - 1, amount)


def _levels(
    shape: tuple[int, int], generator: torch.Generator, magnitude: float, std: float
) -> Float[Tensor, "n b"] | float:
    """Draw the magnitudes of operations by the rule of timm's `mstd`."""
    if std > EVEN:
        return magnitude * torch.rand(shape, generator=generator)
    if std > 0:
        return (magnitude + std * torch.randn(shape, generator=generator)).clamp(0, TOP)
    return magnitude


def cutout(
    x: Float[Tensor, "b c s s"], generator: torch.Generator, share: float = 0.5
) -> Float[Tensor, "b c s s"]:
    """Cover a random square of each image with gray (DeVries and Taylor 2017).

    Its middle lies anywhere in the image, so that a part of it may lie outside. Half of the side is
    what FixMatch's code covers.

    Args:
        x: Images in 0..1, which are overwritten.
        generator: Random numbers, on the CPU.
        share: Side of the square, as a share of the image's.
    """
    side = x.shape[-1]
    reach = int(share * side) // 2
    middle = (torch.rand(2, len(x), 1, generator=generator) * side).floor()
    place = torch.arange(side)
    down, across = (place >= middle - reach) & (place < middle + reach)
    covered = down[:, None, :, None] & across[:, None, None, :]
    return x.masked_fill_(covered.to(x.device, non_blocking=True), 0.5)


def _carry_out(
    x: Shaped[Tensor, "b c h w"],
    operations: Sequence[Operation],
    choice: Int[Tensor, "n b"],
    amounts: Float[Tensor, "n b"],
) -> Float[Tensor, "b c h w"]:
    """Apply n chosen operations to each image, one after another; -1 is none.

    On a CPU a few images are changed at a time, in planes of one color, so that they stay in its
    caches; elsewhere all that have the same operation.
    """
    seen = torch.empty_like(x, dtype=torch.float32)
    few = max(1, _CACHED // x[0].numel()) if x.device.type == "cpu" else len(x)

    def change(part: Tensor, place: Tensor, which: Tensor, amount: Tensor) -> None:
        y = scale(part.contiguous())
        for chosen, each in zip(which.tolist(), amount, strict=True):
            for k in sorted({*chosen} - {-1}):
                y = _apply(operations[k], y, [i for i, j in enumerate(chosen) if j == k], each)
        place.copy_(y)

    parts = (v.split(few) for v in (x, seen)), (v.split(few, 1) for v in (choice, amounts))
    map_in_threads(change, zip(*parts[0], *parts[1], strict=True))
    return seen


def _apply(operation: Operation, x: Tensor, rows: list[int], amounts: Tensor) -> Tensor:
    """Apply `operation` to some rows, all at once."""
    if len(rows) == len(x):
        return operation(x, amounts)
    at = torch.tensor(rows)
    there = at.to(x.device, non_blocking=True)
    return x.index_copy_(0, there, operation(x.index_select(0, there), amounts[at]))
