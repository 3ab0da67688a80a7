import math

import pytest
import torch
from torchvision.transforms import functional as TF

from da.data import image_ops


def images(b: int = 4, c: int = 3, side: int = 24) -> torch.Tensor:
    """Noise of all 256 values on a slope, so that histograms are uneven."""
    g = torch.Generator().manual_seed(0)
    noise = torch.randint(256, (b, c, side, side), generator=g)
    slope = torch.linspace(0.2, 1, side)
    return (noise * slope).floor() / 255


def stored(x: torch.Tensor) -> torch.Tensor:
    return (255 * x).round().to(torch.uint8)


def each(function, x, amounts) -> torch.Tensor:
    return torch.stack([function(image, float(a)) for image, a in zip(x, amounts, strict=True)])


THEIRS = {
    "brightness": (TF.adjust_brightness, [0, 0.6, 1, 1.9]),
    "contrast": (TF.adjust_contrast, [0, 0.6, 1, 1.9]),
    "saturation": (TF.adjust_saturation, [0, 0.6, 1, 1.9]),
    "sharpness": (TF.adjust_sharpness, [0, 0.6, 1, 1.9]),
    "hue": (TF.adjust_hue, [-0.5, -0.1, 0, 0.3]),
    "solarize": (TF.solarize, [0, 0.3, 0.7, 1]),
    "autocontrast": (lambda x, _: TF.autocontrast(x), [0] * 4),
}


@pytest.mark.parametrize("name", THEIRS)
@pytest.mark.parametrize("channels", [1, 3])
def test_operations_on_floats_are_torchvisions(name, channels):
    function, amounts = THEIRS[name]
    x, amounts = images(c=channels), torch.tensor(amounts, dtype=torch.float32)
    ours = getattr(image_ops, name)(x.clone(), amounts)
    torch.testing.assert_close(ours, each(function, x, amounts), atol=1e-5, rtol=0)


def test_posterize_is_torchvisions_on_uint8():
    x, bits = images(), torch.tensor([1.0, 4, 7, 8])
    theirs = each(lambda v, n: TF.posterize(v, int(n)), stored(x), bits)
    assert stored(image_ops.posterize(x.clone(), bits)).equal(theirs)


@pytest.mark.parametrize("side", [8, 24, 64])
def test_equalize_is_torchvisions_on_uint8(side):
    x = images(side=side)
    x[1, 0] = 0.2  # one value
    x[2] = (x[2] > 0.3).float()  # two
    assert stored(image_ops.equalize(x.clone(), torch.zeros(4))).equal(TF.equalize(stored(x)))


def test_a_flat_image_has_no_contrast_to_stretch():
    flat = torch.full((1, 3, 8, 8), 0.4)
    assert image_ops.autocontrast(flat.clone(), torch.zeros(1)).equal(flat)
    assert stored(image_ops.equalize(flat.clone(), torch.zeros(1))).equal(stored(flat))


def sheared(x, along_x: float, along_y: float):
    degrees = [math.degrees(math.atan(v)) for v in (along_x, along_y)]
    return TF.affine(x, 0.0, [0, 0], 1.0, degrees, center=[0, 0])


def moved(x, right: float, down: float):
    return TF.affine(x, 0.0, [int(24 * right), int(24 * down)], 1.0, [0.0, 0.0])


AFFINE = {
    "rotate": (TF.rotate, [-30, -7, 0, 20]),
    "shear_x": (lambda x, v: sheared(x, v, 0), [-0.3, -0.1, 0, 0.2]),
    "shear_y": (lambda x, v: sheared(x, 0, v), [-0.3, -0.1, 0, 0.2]),
    "translate_x": (lambda x, v: moved(x, v, 0), [-0.45, -0.1, 0, 0.3]),
    "translate_y": (lambda x, v: moved(x, 0, v), [-0.45, -0.1, 0, 0.3]),
}


@pytest.mark.parametrize("name", AFFINE)
def test_affine_operations_are_torchvisions_but_for_ties_between_pixels(name):
    """A tie is a place that a little more or less of the operation takes from another pixel."""
    function, amounts = AFFINE[name]
    x, amounts = images(), torch.tensor(amounts, dtype=torch.float32)
    operation = getattr(image_ops, name)
    ours, theirs = operation(x, amounts), each(function, x, amounts)
    clear = operation(x, amounts + 1e-4) == operation(x, amounts - 1e-4)
    assert clear.float().mean() > 0.9
    assert ours[clear].equal(theirs[clear])
    assert ours[2].equal(x[2])


@pytest.mark.parametrize("name", [*THEIRS, "posterize", "equalize", *AFFINE])
def test_every_image_has_its_own_amount(name):
    x, operation = images(3), getattr(image_ops, name)
    amounts = torch.tensor([0.2, 0.5, 1.0])
    together = operation(x.clone(), amounts)
    alone = torch.cat([operation(x[i : i + 1].clone(), amounts[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-6, rtol=0)
