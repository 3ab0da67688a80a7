from typing import get_args

import pytest
import torch
from PIL import Image

from da.config.choices import Fit
from da.data.decode import decode_image
from da.data.to_square import resize_to_square

SIDE = 32


@pytest.mark.parametrize("fit", get_args(Fit))
@pytest.mark.parametrize("size", [(40, 70), (75, 20), (9, 8), (33, 33), (300, 1)])
def test_images_become_what_decoding_makes_of_files(tmp_path, size, fit):
    height, width = size
    x = torch.arange(height * width * 3).reshape(height, width, 3).sin().add(2).mul(60).byte()
    Image.fromarray(x.numpy()).save(tmp_path / "x.png")
    decoded = torch.tensor(decode_image(tmp_path / "x.png", SIDE, fit))
    assert (resize_to_square(x[None], SIDE, fit)[0] * 255 - decoded).abs().max() <= 1.05
    assert resize_to_square(decoded[None], SIDE, fit)[0].equal(decoded / 255)
