"""Settings of images' views that would do nothing."""

from dataclasses import replace

import pytest

from da.config.label_columns import LabelColumns
from da.config.optimization import Optimization
from da.config.transforms import Transforms
from da.methods.fixmatch import FixMatch
from da.methods.source_only import SourceOnly
from da.methods.tent import Tent
from da.runs.run import Run

FULL = Run(SourceOnly.Hparams(), "emoji:noto-twemoji", regime="full")
TEN = Transforms(test_crop="ten_crop")
NARROW = Transforms(crop_scale=(0.5, 1.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transforms": NARROW}, "crop_scale is of random resized crops"),
        (
            {"transforms": Transforms(grayscale=0.1), "augment": "jitter"},
            "color_jitter and grayscale need augment crop_flip, ",
        ),
        (
            {"transforms": Transforms(plain_target=True), "augment": "flip"},
            "plain_target needs an augment, and a method with a strong view in regime full",
        ),
        (
            {"optimization": Optimization(target_images=3)},
            "target_images above 1 needs a method with a strong view, .* not source_only",
        ),
        (
            {"transforms": NARROW, "augment": "random_crop_flip"},
            "crop_scale .* needs augment crop, ",
        ),
        (
            {"transforms": Transforms(target_crop_scale=(0.5, 1.0))},
            "target_crop_scale needs regime",
        ),
        (
            {
                "transforms": Transforms(target_crop_scale=(0.5, 1.0)),
                "regime": "frozen",
                "augment": "crop",
                "views": 1,
            },
            "target_crop_scale needs regime full",
        ),
        (
            {"transforms": Transforms(cutout=0.5, strong_std=6), "augment": "crop_flip"},
            "strong_std, cutout needs augment strong, or a method",
        ),
        ({"transforms": TEN, "regime": "frozen"}, "ten_crop needs regime full"),
        ({"transforms": TEN, "task": "emoji:noto-twemoji+stream:sorted"}, "has a stream"),
        (
            {"transforms": TEN, "method": Tent.Hparams(), "init": "0123456789ab"},
            "tent sees each image once",
        ),
        ({"transforms": TEN, "task": "emoji:noto-twemoji+open7"}, "it rejects no unknown"),
        ({"transforms": TEN, "labels": LabelColumns(("class", "subgroup"))}, "no label_columns"),
        ({"transforms": Transforms(test_crop="whole"), "crop_pct": 0.9}, "leave crop_pct at 1"),
    ],
)
def test_what_does_nothing_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        replace(FULL, **settings)


@pytest.mark.parametrize(
    "settings",
    [
        {"augment": "crop"},
        {"augment": "strong", "regime": "frozen", "views": 1},
        {"method": FixMatch.Hparams()},  # of which only the strong views are crops
    ],
)
def test_crop_scale_goes_with_random_resized_crops(settings):
    assert replace(FULL, transforms=NARROW, **settings).settings()["crop_scale"] == [0.5, 1.0]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"crop_scale": (0.5,)}, "crop_scale is a smallest and a largest share"),
        ({"crop_scale": (0.9, 0.5)}, "crop_scale is a smallest and a largest share"),
        ({"crop_scale": ()}, "crop_scale is a smallest and a largest share"),
        ({"strong_magnitude": 31.0}, "strong_magnitude is from 0 to 30, not 31"),
        ({"target_crop_scale": (0.0, 1.0)}, "each of target_crop_scale is above 0"),
    ],
)
def test_impossible_values_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Transforms(**settings)


@pytest.mark.parametrize("settings", [{"augment": "strong"}, {"method": FixMatch.Hparams()}])
def test_strength_goes_with_strong_views(settings):
    timm = Transforms(strong_magnitude=30.0, strong_std=6.0, strong_probability=0.5)
    assert replace(FULL, transforms=timm, **settings).id != replace(FULL, **settings).id
