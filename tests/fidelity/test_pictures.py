"""Our views of a picture beside those of Transfer-Learning-Library, by the same crops."""

import hashlib

import pytest
import torch
from PIL import Image

from da.data.crops import crop
from da.data.decode import decode_picture
from da.data.transforms import Resize, crop_center
from tests.fidelity.inputs import picture
from tests.fidelity.pictures_tllib import MEAN, STD, VIEWS, sample_view
from tests.fidelity.record import PICTURES
from tests.fidelity.replay import recorded

RECORDED = recorded(PICTURES)["views"]
SIDE = 224


def view(about):
    """Our view of the picture, as bytes."""
    side = SIDE if about["resizing"] == "res." else 256
    stored = torch.tensor(decode_picture(Image.fromarray(picture()), side))[None]
    if about["box"]:
        box = torch.tensor([about["box"]]) / 256
        return crop(stored, box, torch.tensor([about["flip"]]), Resize(SIDE))[0]
    seen = crop_center(stored, Resize(SIDE))[0]
    return seen.flip(2) if about["flip"] else seen


@pytest.mark.parametrize("about", RECORDED, ids=lambda x: f"{x['resizing']}{x['box']}{x['flip']}")
def test_views_are_the_librarys(about):
    seen = view(about)
    assert list(seen.shape) == about["shape"]
    if about["resizing"] != "default":
        assert hashlib.sha256(seen.contiguous().numpy().tobytes()).hexdigest() == about["digest"]
    mean, std = (torch.tensor(v)[:, None, None] for v in (MEAN, STD))
    apart = sample_view((seen / 255 - mean) / std) - torch.tensor(about["values"])
    steps = (apart * 255 * 0.229).abs().max().item()
    assert steps < (1.01 if about["resizing"] == "default" else 1e-3)


def test_all_views_are_recorded():
    keys = "resizing", "box", "flip"
    assert [{key: about[key] for key in keys} for about in RECORDED] == [*VIEWS]
