"""Settings of images' views that would do nothing."""

from dataclasses import replace

import pytest

from da.config.transforms import Transforms
from da.methods.fixmatch import FixMatch
from da.methods.source_only import SourceOnly
from da.runs.run import Run

FULL = Run(SourceOnly.Hparams(), "emoji:noto-twemoji", regime="full")
NARROW = Transforms(crop_scale=(0.5, 1.0))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"transforms": NARROW}, "crop_scale is of random resized crops"),
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
        ({"target_crop_scale": (0.0, 1.0)}, "each of target_crop_scale is above 0"),
    ],
)
def test_impossible_values_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Transforms(**settings)
