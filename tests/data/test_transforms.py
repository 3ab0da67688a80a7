import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import center_crop, resize

from da.data.decode import decode_image
from da.data.transforms import Resize, crop_center, scale, show_whole, to_eval_input


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(256, shape, generator=generator(), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("mode", "color", "rgb"),
    [
        ("L", 90, (90, 90, 90)),
        ("RGBA", (10, 20, 30, 255), (10, 20, 30)),
        ("CMYK", (0, 255, 255, 0), (255, 0, 0)),
        ("1", 1, (255, 255, 255)),
    ],
)
def test_decode_gives_rgb_whatever_the_file_has(tmp_path, mode, color, rgb):
    file = tmp_path / "image.tif"
    Image.new(mode, (5, 3), color).save(file)
    image = decode_image(file, 4)
    assert image.dtype == np.uint8
    assert image.shape == (4, 4, 3)
    assert (image == rgb).all()


def test_decode_looks_colors_up_in_a_palette(tmp_path):
    Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4).save(tmp_path / "image.png")
    assert (decode_image(tmp_path / "image.png", 4) == (10, 200, 30)).all()


def test_decode_takes_a_palette_with_transparent_colors(tmp_path):
    image = Image.new("RGB", (4, 4), (10, 200, 30)).quantize(4)
    image.save(tmp_path / "image.png", transparency=bytes([128, 255]))
    half_white = decode_image(tmp_path / "image.png", 4)
    assert abs(half_white.astype(int) - (132, 227, 142)).max() <= 1


def test_decode_holds_the_camera_upright(tmp_path):
    image = Image.new("L", (8, 8))
    image.paste(255, (0, 0, 4, 8))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.save(tmp_path / "image.png", exif=exif)
    upright = decode_image(tmp_path / "image.png", 8)
    assert (upright[:4] == 255).all()
    assert (upright[4:] == 0).all()


@pytest.mark.parametrize("share", [0, 0.5])
def test_decode_names_a_file_that_is_no_image(tmp_path, share):
    file = tmp_path / "image.png"
    Image.fromarray(pixels(64, 64, 3).numpy()).save(file)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=f"cannot decode {file}: "):
        decode_image(file, 4)


def test_scale_is_0_to_1():
    x = torch.tensor([0, 51, 255], dtype=torch.uint8).reshape(1, 3, 1, 1)
    torch.testing.assert_close(scale(x), torch.tensor([0, 0.2, 1]).reshape(1, 3, 1, 1))
    assert scale(scale(x)).equal(scale(x))


def test_plain_is_the_middle_channels_first_but_in_memory():
    x = pixels(2, 6, 8, 3)
    assert crop_center(x, Resize(5)).equal(x[:, :5, 1:6].permute(0, 3, 1, 2))
    assert crop_center(x[:, :, :6], Resize(6)).equal(x[:, :, :6].permute(0, 3, 1, 2))
    assert crop_center(x[:, :, :6], Resize(6)).data_ptr() == x.data_ptr()


def test_plain_enlarges_what_is_small():
    ramp = torch.tensor([[0, 255]], dtype=torch.uint8).expand(2, 2)[None, :, :, None]
    row = crop_center(ramp, Resize(4))[0, 0, 1]
    torch.testing.assert_close(row, torch.tensor([0, 0.25, 0.75, 1]))


@pytest.mark.parametrize(("stored", "side"), [(256, 224), (32, 28), (343, 300), (8, 7)])
def test_plain_of_usual_sizes_is_not_resized(stored, side):
    x = pixels(1, stored, stored, 3)
    assert crop_center(x, Resize(side)).dtype == torch.uint8


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_plain_shrinks_what_is_much_larger(how):
    """A small side shows as much of an image as the usual one, and no stamp from its middle."""
    x = pixels(2, 64, 64, 3)
    small = resize(scale(x.permute(0, 3, 1, 2)), [32, 32], InterpolationMode(how))
    theirs = center_crop(small.clamp(0, 1), [28, 28])
    torch.testing.assert_close(crop_center(x, Resize(28, how)), theirs)


def test_plain_is_square_where_one_side_is_too_short():
    assert crop_center(pixels(1, 4, 8, 3), Resize(6)).shape == (1, 3, 6, 6)


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("crop_pct", "wide"), [(1.0, 56), (0.875, 64)])
def test_plain_enlarges_and_crops_as_torchvision_does(how, crop_pct, wide):
    x = pixels(2, 32, 32, 3)
    large = resize(scale(x.permute(0, 3, 1, 2)), [wide, wide], InterpolationMode(how))
    theirs = center_crop(large.clamp(0, 1), [56, 56])
    torch.testing.assert_close(crop_center(x, Resize(56, how, crop_pct)), theirs)


def test_plain_crops_what_is_large_whatever_the_share():
    x = pixels(1, 8, 8, 3)
    assert crop_center(x, Resize(7, "bicubic", 0.5)).equal(crop_center(x, Resize(7)))


def test_views_are_seen_by_their_first():
    x = torch.rand(4, 3, 5)
    assert to_eval_input(x, Resize()).equal(x[:, 0])
    assert to_eval_input(x[:, 1], Resize()).equal(x[:, 1])


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
@pytest.mark.parametrize("stored", [20, 64])
def test_whole_images_are_resized_as_torchvision_does(stored, how):
    x = pixels(2, stored, stored, 3)
    theirs = resize(scale(x.permute(0, 3, 1, 2)), [56, 56], InterpolationMode(how)).clamp(0, 1)
    whole = Resize(56, how, test_crop="whole")
    torch.testing.assert_close(to_eval_input(x, whole), theirs)
    torch.testing.assert_close(show_whole(x, whole), theirs)


def test_whole_images_of_the_size_of_input_stay_as_they_are():
    x = pixels(2, 8, 8, 3)
    assert to_eval_input(x, Resize(8, test_crop="whole")).data_ptr() == x.data_ptr()
