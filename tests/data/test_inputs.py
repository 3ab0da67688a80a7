import torch

from da.config.transforms import Transforms
from da.data.domain import Images, LabeledImages
from da.data.inputs import InputBuilder
from da.data.transforms import Resize

TOPS = torch.arange(64, dtype=torch.uint8)[None, :, None, None].repeat(40, 1, 64, 1)
"""Images whose pixels say in which row they are."""


def heights(x: torch.Tensor) -> torch.Tensor:
    return x[:, 0, -1, 0].int() - x[:, 0, 0, 0]


def test_the_target_can_have_crops_of_its_own():
    """As in FixMatch of TLlib: 0.08 to 1 of source images, 0.5 to 1 of both target views."""
    rows, resize = torch.arange(40), Resize(64)
    how = Transforms(crop_scale=(0.1, 0.1), target_crop_scale=(0.9, 1.0))
    builder = InputBuilder("crop", torch.device("cpu"), how)
    source = builder.labeled(LabeledImages(TOPS, rows, rows, resize=resize), rows)
    target = builder.unlabeled(Images(TOPS, rows, resize=resize), rows, strong=True)
    assert heights(source.x).max() < 32
    assert heights(target.x).min() > 48
    assert target.strong.shape == target.x.shape


def test_the_target_can_be_plain_and_its_strong_view_as_the_source():
    """As in self_ensemble of TLlib: the teacher sees plain images, the student other colors."""
    rows, resize = torch.arange(40), Resize(64)
    how = Transforms(color_jitter=(0.7, 0.7, 0.7, 0.5), grayscale=0.5, plain_target=True)
    builder = InputBuilder("flip", torch.device("cpu"), how)
    x = torch.randint(256, (40, 64, 64, 3), dtype=torch.uint8)
    target = builder.unlabeled(Images(x, rows, resize=resize), rows, strong=True)
    plain = InputBuilder("none", torch.device("cpu")).unlabeled(
        Images(x, rows, resize=resize), rows
    )
    torch.testing.assert_close(target.x, plain.x / 255)
    source = builder.labeled(LabeledImages(x, rows, rows, resize=resize), rows).x
    for seen in (source, target.strong):
        gray = (seen.amax(1) - seen.amin(1)).flatten(1).amax(1) < 1 / 64
        assert 8 < gray.sum() < 32
        assert (seen.mean((1, 2, 3)) - target.x.mean((1, 2, 3))).abs().max() > 0.05
