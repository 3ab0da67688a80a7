from typing import get_args

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms.functional import resize

from da.config.choices import Augment
from da.config.transforms import Transforms
from da.data import views
from da.data.crops import crop_by_sampling, place_boxes
from da.data.transforms import Resize, crop_center, scale
from da.data.views import add_strong, augment_images, is_random, mirror


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def ramps(b: int) -> torch.Tensor:
    """Images that brighten from left to right, and more weakly from top to bottom."""
    at = torch.arange(16)
    image = 10 * at[None, :] + 4 * at[:, None]
    return image.to(torch.uint8)[None, :, :, None].repeat(b, 1, 1, 3)


def mirrored(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0, 0, 0] > x[:, 0, 0, -1]


def test_no_augmentation_is_plain():
    assert augment_images(ramps(2), Resize(8), "none", generator()).equal(
        crop_center(ramps(2), Resize(8))
    )


def test_crop_never_mirrors():
    assert not mirrored(augment_images(ramps(64), Resize(8), "crop", generator())).any()


@pytest.mark.parametrize("kind", ["crop_flip", *views.UNSCALED, "jitter"])
def test_every_other_image_is_mirrored(kind):
    share = mirrored(augment_images(ramps(400), Resize(8), kind, generator())).float().mean()
    assert 0.4 < share < 0.6


@pytest.mark.parametrize("kind", ["crop", "crop_flip", "jitter", "strong"])
def test_every_image_of_a_batch_is_augmented_in_its_own_way(kind):
    x = scale(augment_images(ramps(32), Resize(8), kind, generator()))
    assert x.shape == (32, 3, 8, 8)
    assert x.min() >= 0
    assert x.max() <= 1
    assert len(x.flatten(1).unique(dim=0)) >= 31


@pytest.mark.parametrize("kind", get_args(Augment))
def test_rows_are_augmented_as_the_images_that_are_there(kind):
    x, rows = (
        ramps(6) + torch.arange(6, dtype=torch.uint8)[:, None, None, None],
        torch.arange(5, 1, -1),
    )
    assert augment_images(x, Resize(8), kind, generator(), rows).equal(
        augment_images(x[rows], Resize(8), kind, generator())
    )


def test_rows_of_views_are_those_of_their_images():
    x, rows = torch.rand(6, 3, 5), torch.tensor([4, 0, 4])
    assert augment_images(x, Resize(), "none", generator(), rows).equal(
        augment_images(x[rows], Resize(), "none", generator())
    )


def test_jitter_and_strong_come_after_crop_flip(monkeypatch):
    first = scale(augment_images(ramps(8), Resize(8), "crop_flip", generator()))
    for name, kind in (("jitter", "jitter"), ("rand_augment", "strong")):
        monkeypatch.setattr(views, name, lambda x, *_: scale(x) + 1)
        assert augment_images(ramps(8), Resize(8), kind, generator()).equal(first + 1)


def test_pixels_are_random_where_augmented_and_features_where_they_have_views():
    assert is_random(ramps(1), "crop")
    assert not is_random(ramps(1), "none")
    assert is_random(torch.rand(4, 3, 5), "none")
    assert not is_random(torch.rand(4, 5), "strong")


def test_features_stay_as_they_are():
    x = torch.rand(4, 5)
    assert augment_images(x, Resize(0), "strong", generator()) is x


def test_each_feature_shows_one_of_its_views_all_equally_likely():
    view = torch.arange(4.0).expand(8000, 4)
    image = torch.arange(8000.0)[:, None].expand(8000, 4)
    seen = augment_images(torch.stack([view, image], 2), Resize(0), "none", generator())
    assert seen[:, 1].equal(torch.arange(8000.0))
    assert seen[:, 0].unique().tolist() == [0, 1, 2, 3]
    assert (seen[:, 0].long().bincount() / 8000 - 0.25).abs().max() < 0.02


def test_the_same_generator_gives_the_same_views():
    for kind in ("jitter", "strong"):
        ours, twin, other = (
            augment_images(ramps(8), Resize(8), kind, generator(s)) for s in (0, 0, 1)
        )
        assert ours.equal(twin)
        assert not ours.equal(other)


def slices(image: torch.Tensor, side: int) -> list[torch.Tensor]:
    """Every square of an image `h w c` and its mirror, as network input."""
    starts = range(image.shape[0] - side + 1), range(image.shape[1] - side + 1)
    every = [
        image[i : i + side, j : j + side].permute(2, 0, 1) for i in starts[0] for j in starts[1]
    ]
    return [*every, *(each.flip(2) for each in every)]


def test_a_random_crop_has_the_pixels_of_a_random_place():
    x = torch.randint(256, (400, 8, 8, 3), generator=generator(), dtype=torch.uint8)
    seen = augment_images(x, Resize(7), "random_crop_flip", generator())
    assert seen.dtype == torch.uint8
    places = [
        [each.equal(part) for part in slices(image, 7)].index(True)
        for each, image in zip(seen, x, strict=True)
    ]
    shares = torch.tensor(places).bincount(minlength=8) / 400
    assert len(shares) == 8  # four places, mirrored or not
    assert (shares - 1 / 8).abs().max() < 0.06


@pytest.mark.parametrize(("stored", "side"), [(8, 7), (64, 28), (16, 28)])
def test_a_random_crop_shows_as_much_as_the_middle_one(stored, side):
    """Also where images are first shrunk, or enlarged: 7/8 of each side."""
    size = Resize(side, crop_pct=7 / 8)
    boxes = place_boxes((stored, stored), 200, generator(), size)
    assert boxes[:, 2:].eq(7 / 8).all()
    first = boxes[:, :2] * stored
    assert first.equal(first.round())
    assert first.amin(0).tolist() == [0, 0]
    assert first.amax(0).tolist() == [stored / 8, stored / 8]


@pytest.mark.parametrize("how", ["bilinear", "bicubic"])
def test_a_random_crop_on_a_gpu_is_not_resized_either(how):
    x = torch.randint(256, (9, 32, 32, 3), generator=generator(), dtype=torch.uint8)
    boxes, stay = place_boxes((32, 32), 9, generator(), Resize(28)), torch.zeros(9).bool()
    for image, box in zip(x, boxes, strict=True):
        top, left = (box[:2] * 32).int().tolist()
        theirs = image[top : top + 28, left : left + 28].permute(2, 0, 1) / 255
        seen = crop_by_sampling(image[None], box[None], stay[:1], Resize(28, how))[0]
        torch.testing.assert_close(seen, theirs, atol=1e-4, rtol=0)


def test_a_center_crop_is_that_of_tests_mirrored_or_not():
    x = torch.randint(256, (64, 8, 8, 3), generator=generator(), dtype=torch.uint8)
    seen = augment_images(x, Resize(7), "center_crop_flip", generator())
    flip = torch.rand(64, generator=generator()) < 0.5
    assert seen.equal(mirror(crop_center(x, Resize(7)), flip))
    assert 20 < flip.sum() < 44


@pytest.mark.parametrize("stored", [20, 32, 40])
def test_a_flip_shows_the_whole_image_and_leaves_what_is_stored(stored):
    x = torch.randint(256, (16, stored, stored, 3), generator=generator(), dtype=torch.uint8)
    before, channels = x.clone(), scale(x.permute(0, 3, 1, 2))
    plain = resize(channels, [32, 32], InterpolationMode.BILINEAR)
    flip = torch.rand(16, generator=generator()) < 0.5
    seen = scale(augment_images(x, Resize(32), "flip", generator()))
    torch.testing.assert_close(seen, mirror(plain, flip), atol=1.01 / 255, rtol=0)
    assert x.equal(before)


def test_crop_scale_is_the_area_that_is_seen():
    tops = torch.arange(64, dtype=torch.uint8)[None, :, None, None].repeat(200, 1, 64, 1)
    for low, high in ((0.08, 1.0), (0.5, 1.0), (0.7, 0.7)):
        seen = augment_images(
            tops, Resize(64), "crop", generator(), transforms=Transforms(crop_scale=(low, high))
        )
        height = (seen[:, 0, -1, 0].int() - seen[:, 0, 0, 0]).float() / 64
        assert height.min() > (low * 3 / 4) ** 0.5 - 0.1
        assert height.min() < (low * 3 / 4) ** 0.5 + 0.2


@pytest.mark.parametrize("kind", get_args(Augment))
def test_the_strong_view_is_placed_as_the_usual_one_where_that_keeps_the_size(kind, monkeypatch):
    monkeypatch.setattr(views, "rand_augment", lambda x, *_: x)
    seen = add_strong(ramps(8), Resize(14), kind, generator())
    same = kind if kind in views.UNSCALED else "crop_flip"
    assert seen.equal(augment_images(ramps(8), Resize(14), same, generator()))


def test_a_strong_view_is_as_strong_as_its_settings(monkeypatch):
    asked = []
    monkeypatch.setattr(views, "rand_augment", lambda x, _, *given: asked.append(given) or scale(x))
    how = Transforms(
        strong_operations=3,
        strong_magnitude=30,
        strong_std=6,
        strong_probability=0.5,
        cutout=0.5,
    )
    plain = scale(augment_images(ramps(4), Resize(8), "crop_flip", generator()))
    for view in (augment_images, add_strong):
        seen = view(ramps(4), Resize(8), "strong", generator(), None, how)
        covered = (seen == 0.5).all(1).sum((1, 2))
        assert (covered > 3).all()
        assert ((seen == plain) | (seen == 0.5)).all()
    assert asked == 2 * [(3, 30, 6, 0.5)]
