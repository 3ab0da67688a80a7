"""Corruptions are the same at each call, and harm more with each severity."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.datasets import load_sample_image

from da.config.corruption_names import CORRUPTIONS
from da.data.corruptions import BLOCK, CHANGES, corrupt

PUBLISHED = (
    "gaussian_noise shot_noise impulse_noise defocus_blur glass_blur motion_blur zoom_blur snow "
    "frost fog brightness contrast elastic_transform pixelate jpeg_compression"
)


def pieces(side: int) -> np.ndarray:
    photo = load_sample_image("flower.jpg")[::2, ::2]
    return np.stack([photo[20 * i : 20 * i + side, 30 * i : 30 * i + side] for i in range(5)])


def test_names_and_order_are_published():
    assert [*CHANGES] == [*CORRUPTIONS] == PUBLISHED.split()


@pytest.mark.parametrize("side", [28, 64])
@pytest.mark.parametrize("name", CORRUPTIONS)
def test_each_severity_changes_more(name, side):
    x = pieces(side)
    seen = [corrupt(x, name, severity) for severity in range(1, 6)]
    assert all(y.shape == x.shape and y.dtype == np.uint8 for y in seen)
    gaps = [np.abs(y.astype(float) - x).mean() for y in seen]
    assert gaps[0] > 0.5
    assert all(less < more for less, more in pairwise(gaps)), gaps
    assert gaps[-1] < 130
    assert np.array_equal(seen[2], corrupt(x, name, 3))


def test_images_of_a_block_do_not_depend_on_those_after_it():
    x = np.repeat(pieces(28)[:1], BLOCK + 3, 0)
    whole = corrupt(x, "gaussian_noise", 3)
    assert np.array_equal(whole[:BLOCK], corrupt(x[:BLOCK], "gaussian_noise", 3))
    assert not np.array_equal(whole[0], whole[1])
    assert not np.array_equal(whole[0], whole[BLOCK])
    assert torch.from_numpy(whole).is_contiguous()
