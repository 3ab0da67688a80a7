import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms.functional import resized_crop

from da.data.crops import crop_by_resizing, crop_by_sampling, random_boxes, to_whole_pixels
from da.data.transforms import Resize, crop_center, scale
from tests.conftest import THREADS

STAY = torch.tensor([False])


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pixels(*shape: int) -> torch.Tensor:
    return torch.randint(256, shape, generator=generator(), dtype=torch.uint8)


def box(top: int, left: int, height: int, width: int, side: int) -> torch.Tensor:
    return torch.tensor([[top, left, height, width]]) / side


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


@pytest.mark.parametrize("crop", [crop_by_resizing, crop_by_sampling])
def test_the_whole_box_is_the_image(crop):
    x = pixels(3, 8, 8, 3)
    whole = torch.tensor([[0.0, 0, 1, 1]]).expand(3, 4)
    seen = scale(crop(x, whole, STAY.expand(3), Resize(8)))
    torch.testing.assert_close(seen, scale(crop_center(x, Resize(8))))


@pytest.mark.parametrize("crop", [crop_by_resizing, crop_by_sampling])
def test_a_box_on_the_pixel_grid_is_a_slice(crop):
    x = pixels(1, 16, 16, 3)
    seen = crop(x, box(3, 7, 8, 8, 16), STAY, Resize(8))
    theirs = scale(crop_center(x[:, 3:11, 7:15], Resize(8)))
    torch.testing.assert_close(scale(seen), theirs, atol=1e-5, rtol=0)


@pytest.mark.parametrize("crop", [crop_by_resizing, crop_by_sampling])
def test_flip_mirrors_only_where_asked(crop):
    x, boxes = pixels(2, 16, 16, 3), random_boxes(2, generator())
    straight = crop(x, boxes, STAY.expand(2), Resize(8))
    seen = crop(x, boxes, torch.tensor([True, False]), Resize(8))
    torch.testing.assert_close(seen[0], straight[0].flip(2), atol=1e-5, rtol=0)
    assert seen[1].equal(straight[1])


@pytest.mark.parametrize("crop", [crop_by_resizing, crop_by_sampling])
def test_no_darkness_comes_in_at_the_rim(crop):
    white = torch.full((1, 4, 4, 3), 255, dtype=torch.uint8)
    seen = scale(crop(white, box(0, 0, 2, 4, 4), STAY, Resize(16)))
    torch.testing.assert_close(seen, torch.ones(1, 3, 16, 16))


@pytest.mark.parametrize("at", [(3, 20, 40, 33), (0, 0, 64, 50), (10, 5, 32, 32)])
def test_sampled_shrinks_as_torchvision_does(at):
    x = pixels(1, 64, 64, 3)
    theirs = resized_crop(scale(crop_center(x, Resize(64))), *at, [32, 32], antialias=False)
    torch.testing.assert_close(
        crop_by_sampling(x, box(*at, 64), STAY, Resize(32)), theirs, atol=1e-4, rtol=0
    )


def test_sampled_goes_through_four_pixels_where_it_is_bicubic():
    edge = torch.zeros(1, 8, 8, 3, dtype=torch.uint8)
    edge[:, :, 4:] = 255
    straight, curved = (
        crop_by_sampling(edge, box(0, 0, 8, 8, 8), STAY, Resize(64, how))[0, 0, 32]
        for how in ("bilinear", "bicubic")
    )
    assert straight.diff().max() < curved.diff().max()  # which is steeper at the edge
    assert 0 == curved.min() < curved.max() == 1  # and does not go beyond


def test_sampled_enlarges_as_torchvision_does_but_for_the_rim():
    x, at = pixels(1, 64, 64, 3), (7, 30, 16, 10)
    theirs = resized_crop(scale(crop_center(x, Resize(64))), *at, [32, 32], antialias=False)
    ours = crop_by_sampling(x, box(*at, 64), STAY, Resize(32))
    inside = (..., slice(2, -2), slice(2, -2))
    torch.testing.assert_close(ours[inside], theirs[inside], atol=1e-4, rtol=0)


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("at", [(3, 20, 40, 33), (0, 0, 64, 48), (7, 30, 16, 10)])
def test_resized_crops_as_torchvision_does_to_one_level_of_256(at, channels, how):
    x = pixels(1, 64, 48, channels) // 2 + 64  # neither pass of a bicubic curve leaves 0..255
    top, left, height, width = at[0], at[1] % 32, at[2], min(at[3], 48 - at[1] % 32)
    share = torch.tensor([[top / 64, left / 48, height / 64, width / 48]])
    stored = x.permute(0, 3, 1, 2).contiguous()
    at = top, left, height, width
    theirs = resized_crop(stored, *at, [32, 32], InterpolationMode(how), antialias=True)
    gap = crop_by_resizing(x, share, STAY, Resize(32, how)).float() - theirs.float()
    assert gap.abs().max() < (1.01 if how == "bilinear" else 2.01)  # of both passes, theirs of one
    assert gap.abs().mean() < 0.3


def test_threads_change_no_pixel():
    x, boxes, flip = pixels(9, 32, 32, 3), random_boxes(9, generator()), torch.arange(9) % 2 == 0
    alone = crop_by_resizing(x, boxes, flip, Resize(24))
    torch.set_num_threads(4)
    try:
        assert crop_by_resizing(x, boxes, flip, Resize(24)).equal(alone)
        assert crop_by_resizing(x[:1], boxes[:1], flip[:1], Resize(24)).equal(alone[:1])
    finally:
        torch.set_num_threads(THREADS)


@settings(deadline=None)
@given(seed=st.integers(0, 2**32), height=st.integers(1, 300), width=st.integers(1, 300))
def test_whole_pixels_are_near_the_box_and_in_the_image(seed, height, width):
    boxes = random_boxes(20, generator(seed))
    top, left, bottom, right = to_whole_pixels(boxes, height, width).unbind(1)
    assert (torch.stack([top, left]) >= 0).all()
    assert (bottom > top).all()
    assert (right > left).all()
    assert (bottom <= height).all()
    assert (right <= width).all()
    near = 0.501 if min(height, width) > 4 else 1  # where a box may be less than a pixel
    assert (top - boxes[:, 0] * height).abs().max() <= near
    assert (right - (boxes[:, 1] + boxes[:, 3]) * width).abs().max() <= near
