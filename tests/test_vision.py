import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from da.vision import augmented, crop, decode, plain, random_boxes, scale

STAY = torch.tensor([False])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(256, shape, generator=generator(), dtype=torch.uint8)


def box(top: int, left: int, height: int, width: int, side: int) -> torch.Tensor:
    return torch.tensor([[top, left, height, width]]) / side


@pytest.mark.parametrize(
    ("mode", "colour", "rgb"),
    [
        ("L", 90, (90, 90, 90)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("1", 1, (255, 255, 255)),
    ],
)
def test_decode_gives_rgb_whatever_the_file_has(tmp_path, mode, colour, rgb):
    file = tmp_path / "image.tif"
    Image.new(mode, (5, 3), colour).save(file)
    image = decode(file, 4)
    assert image.dtype == np.uint8
    assert image.shape == (4, 4, 3)
    assert (image == rgb).all()


def test_decode_looks_colours_up_in_a_palette(tmp_path):
    Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4).save(tmp_path / "image.png")
    assert (decode(tmp_path / "image.png", 4) == (10, 200, 30)).all()


def test_decode_takes_a_palette_with_transparent_colours(tmp_path):
    image = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    image.save(tmp_path / "image.png", transparency=bytes([128, 255]))
    assert (decode(tmp_path / "image.png", 4) == (10, 200, 30)).all()


def test_decode_holds_the_camera_upright(tmp_path):
    image = Image.new("L", (8, 8))
    image.paste(255, (0, 0, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "image.png", exif=exif)
    upright = decode(tmp_path / "image.png", 8)
    assert (upright[:4] == 255).all()
    assert (upright[4:] == 0).all()


@pytest.mark.parametrize("share", [0, 0.5])
def test_decode_names_a_file_that_is_no_image(tmp_path, share):
    file = tmp_path / "image.png"
    Image.fromarray(pixels(64, 64, 3).numpy()).save(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=f"cannot decode {file}: "):
        decode(file, 4)


def test_scale_is_0_to_1_and_channels_first():
    x = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 1, 1, 3)
    torch.testing.assert_close(scale(x), torch.tensor([0, 0.2, 1]).reshape(1, 3, 1, 1))
    assert scale(pixels(2, 4, 4, 3)).is_contiguous(memory_format=torch.channels_last)


def test_plain_is_the_middle():
    x = pixels(2, 6, 8, 3)
    assert plain(x, 4).equal(scale(x[:, 1:5, 2:6]))
    assert plain(x[:, :, :6], 6).equal(scale(x[:, :, :6]))


def test_plain_enlarges_what_is_small():
    ramp = torch.tensor([[0, 255]], dtype=torch.uint8).expand(2, 2)[None, :, :, None]
    row = plain(ramp, 4)[0, 0, 1]
    torch.testing.assert_close(row, torch.tensor([0, 0.25, 0.75, 1]))


def test_plain_is_square_where_one_side_is_too_short():
    assert plain(pixels(1, 4, 8, 3), 6).shape == (1, 3, 6, 6)


def test_boxes_are_distributed_as_torchvisions():
    n, side = 6000, 10_000
    torch.manual_seed(0)
    image, transform = torch.zeros(1, 1, 1).expand(1, side, side), RandomResizedCrop(1)
    drawn = [transform.get_params(image, transform.scale, transform.ratio) for _ in range(n)]
    theirs, ours = torch.tensor(drawn) / side, random_boxes(20 * n, generator())

    def about(boxes):
        top, left, height, width = boxes.unbind(1)
        down, right = (at / (1 - of).clamp_min(1e-3) for at, of in ((top, height), (left, width)))
        return torch.stack([*boxes.T, height * width, width / height, down, right, down + right])

    q = torch.linspace(0, 1, 21)
    gap = about(ours).quantile(q, 1) - about(theirs).quantile(q, 1)
    assert gap[1:-1].abs().max() < 0.02
    torch.testing.assert_close(about(ours).mean(1), about(theirs).mean(1), atol=0.01, rtol=0)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), b=st.integers(1, 40))
def test_boxes_lie_in_the_image(seed, b):
    top, left, height, width = random_boxes(b, generator(seed)).unbind(1)
    assert (torch.stack([top, left]) >= 0).all()
    assert (torch.stack([height, width]) > 0).all()
    assert (torch.stack([top + height, left + width]) <= 1 + 1e-6).all()


def test_each_image_has_its_own_box():
    boxes = random_boxes(50, generator())
    assert all(len(column.unique()) > 40 for column in boxes.unbind(1))


def test_a_box_that_never_fits_is_the_whole_image():
    boxes = random_boxes(4, generator(), area=(0.999, 1.0), ratio=(2.0, 3.0))
    assert boxes.equal(torch.tensor([[0.0, 0, 1, 1]]).expand(4, 4))


def test_the_whole_box_is_the_image():
    x = pixels(3, 8, 8, 3)
    whole = torch.tensor([[0.0, 0, 1, 1]]).expand(3, 4)
    torch.testing.assert_close(crop(x, whole, STAY.expand(3), 8), plain(x, 8))


def test_a_box_on_the_pixel_grid_is_a_slice():
    x = pixels(1, 16, 16, 3)
    seen = crop(x, box(3, 7, 8, 8, 16), STAY, 8)
    torch.testing.assert_close(seen, scale(x[:, 3:11, 7:15]), atol=1e-5, rtol=0)


def test_flip_mirrors_only_where_asked():
    x, boxes = pixels(2, 16, 16, 3), random_boxes(2, generator())
    straight = crop(x, boxes, STAY.expand(2), 8)
    seen = crop(x, boxes, torch.tensor([True, False]), 8)
    torch.testing.assert_close(seen[0], straight[0].flip(2), atol=1e-5, rtol=0)
    assert seen[1].equal(straight[1])


def test_no_darkness_comes_in_at_the_rim():
    white = torch.full((1, 4, 4, 3), 255, dtype=torch.uint8)
    seen = crop(white, box(0, 0, 2, 4, 4), STAY, 16)
    torch.testing.assert_close(seen, torch.ones(1, 3, 16, 16))


@pytest.mark.parametrize("at", [(3, 20, 40, 33), (0, 0, 64, 50), (10, 5, 32, 32)])
def test_crop_shrinks_as_torchvision_does(at):
    x = pixels(1, 64, 64, 3)
    theirs = resized_crop(scale(x), *at, [32, 32], antialias=False)
    torch.testing.assert_close(crop(x, box(*at, 64), STAY, 32), theirs, atol=1e-4, rtol=0)


def test_crop_enlarges_as_torchvision_does_but_for_the_rim():
    x, at = pixels(1, 64, 64, 3), (7, 30, 16, 10)
    theirs = resized_crop(scale(x), *at, [32, 32], antialias=False)
    ours = crop(x, box(*at, 64), STAY, 32)
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(ours[inside], theirs[inside], atol=1e-4, rtol=0)


def ramps(b: int) -> torch.Tensor:
    """Images that brighten from left to right, and more weakly from top to bottom."""
    at = torch.arange(16)
    image = 10 * at[None, :] + 4 * at[:, None]
    return image.to(torch.uint8)[None, :, :, None].repeat(b, 1, 1, 3)


def mirrored(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0, 0, 0] > x[:, 0, 0, -1]


def test_no_augmentation_is_plain():
    assert augmented(ramps(2), 8, "none", generator()).equal(plain(ramps(2), 8))


def test_crop_never_mirrors():
    assert not mirrored(augmented(ramps(64), 8, "crop", generator())).any()


def test_crop_flip_mirrors_every_other_image():
    share = mirrored(augmented(ramps(400), 8, "crop_flip", generator())).float().mean()
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("augment", ["crop", "crop_flip"])
def test_every_image_of_a_batch_is_cropped_in_its_own_way(augment):
    x = augmented(ramps(32), 8, augment, generator())
    assert len(x.flatten(1).unique(dim=0)) == 32
