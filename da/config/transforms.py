"""Settings of the views of images that training and tests show."""

from dataclasses import dataclass, replace
from typing import Annotated

from da.config.choices import TestCrop
from da.config.limits import AMOUNT, FEW, LEVEL, PART, UNIT
from da.config.validation import choice_errors, limit_errors, refuse


@dataclass(frozen=True)
class Transforms:
    """Details of how images are cropped and changed, in training by `augment`, and in tests.

    Raises:
        ValueError: Where a setting has an unknown value.
    """

    crop_scale: Annotated[tuple[float, ...], PART] = (0.08, 1.0)
    """Smallest and largest share of an image's area that a random resized crop shows.
    These are the crops of crop, crop_flip, jitter and strong, and of a method's strong view.
    """
    target_crop_scale: Annotated[tuple[float, ...], PART] = ()
    """The same for target images in regime full; empty for `crop_scale`."""
    strong_operations: Annotated[int, FEW] = 2
    """Random operations of RandAugment on each image of a strong view."""
    strong_magnitude: Annotated[float, LEVEL] = 10.0
    """Strength of each operation, from 0 to 30; 10 in FixMatch's code and in timm is 30 here."""
    strong_std: Annotated[float, AMOUNT] = 0.0
    """Standard deviation of an operation's strength, which stays within 0 to 30.
    Above 100, strengths are even from 0 to `strong_magnitude`. timm's `mstd2` is 6 here.
    """
    strong_probability: Annotated[float, PART] = 1.0
    """Probability that an operation is carried out; 0.5 in FixMatch's code and timm's."""
    cutout: Annotated[float, UNIT] = 0.0
    """Side of a gray square at a random place of a strong view, as a share of the image's side.
    0 for none; 0.5 as in FixMatch's code.
    """
    color_jitter: Annotated[tuple[float, ...], UNIT] = ()
    """Largest changes of brightness, contrast, saturation and hue after crop_flip, flip and the
    like, in a random order; empty for none. `augment` jitter has (0.4, 0.4, 0.4, 0.1).
    """
    grayscale: Annotated[float, UNIT] = 0.0
    """Share of images that lose their colors after `color_jitter`."""
    plain_target: bool = False
    """Whether target images are shown as in tests, and their strong view is that of `augment`.
    So does TLlib's self_ensemble, in which the teacher sees plain images.
    """
    test_crop: TestCrop = "center"
    """The part of a test image that is shown, where images are stored larger than `side`.
    center: the middle 7/8 of each side, or more, as `default` of TLlib's `val_resizing`.
    whole: the whole image, as `res.` of `val_resizing`.
    ten_crop: middle and corners, mirrored or not, whose probabilities are averaged, as CDAN does.
    """

    def __post_init__(self) -> None:
        refuse(choice_errors(self) | limit_errors(self))
        for name in ("crop_scale", "target_crop_scale"):
            if (pair := getattr(self, name)) != () or name == "crop_scale":
                ordered = len(pair) == 2 and pair[0] <= pair[1]
                refuse({f"{name} is a smallest and a largest share, not {pair}": not ordered})
        four = len(self.color_jitter) in (0, 4) and max(self.color_jitter[3:], default=0) <= 0.5
        wanted = "color_jitter is four numbers, the last 0.5 or less"
        refuse({f"{wanted}, not {self.color_jitter}": not four})

    @property
    def of_target(self) -> "Transforms":
        """The settings for images of the target."""
        return replace(self, crop_scale=self.target_crop_scale or self.crop_scale)
