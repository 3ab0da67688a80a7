import numpy as np
import pytest
from PIL import Image

from da.data.squares import to_square

SIZES = (300, 300), (100, 445), (445, 100), (790, 445), (256, 256), (256, 90), (31, 7)


@pytest.mark.parametrize("fit", ["squash", "crop", "pad"])
@pytest.mark.parametrize("side", [64, 256, 100])
def test_a_part_has_the_values_of_the_whole(side, fit):
    rng = np.random.default_rng(0)
    for width, height in SIZES:
        image = Image.fromarray(rng.integers(256, size=(height, width, 3), dtype=np.uint8))
        whole = np.asarray(to_square(image, side, fit))
        for _ in range(3):
            left, right = sorted(rng.choice(side + 1, 2, replace=False).tolist())
            top, bottom = sorted(rng.choice(side + 1, 2, replace=False).tolist())
            part = np.asarray(to_square(image, side, fit, (left, top, right, bottom)))
            assert (part == whole[top:bottom, left:right]).all(), (width, height)
