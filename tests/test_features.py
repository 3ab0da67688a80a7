from dataclasses import replace

import pytest
import torch
from torch import nn

from conftest import points
from da.features import extract
from da.home import home
from da.vision import plain

CPU = torch.device("cpu")


class Small(nn.Module):
    """Counts the images that it sees."""

    def __init__(self, seed: int = 0):
        super().__init__()
        torch.manual_seed(seed)
        self.body = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten())
        self.width = 4 * 4 * 4
        self.seen = 0

    def forward(self, x):
        self.seen += len(x)
        return self.body(x)


@pytest.fixture
def images():
    g = torch.Generator().manual_seed(0)
    x = torch.randint(256, (130, 6, 6, 3), generator=g, dtype=torch.uint8)
    return points(x, torch.arange(130) % 2)


def test_a_row_is_the_feature_of_its_image_alone(images):
    backbone = Small()
    f = extract(images, backbone, 6, CPU).x
    assert f.shape == (130, 64)
    for i in (0, 63, 64, 129):
        one = backbone.eval()(plain(images.x[i : i + 1], 6))[0].detach()
        torch.testing.assert_close(f[i], one / one.square().mean().sqrt())


def test_features_have_a_root_mean_square_of_1(images):
    f = extract(images, Small(), 6, CPU).x
    torch.testing.assert_close(f.square().mean(1), torch.ones(130))


def test_a_feature_of_nothing_but_zeros_stays_finite(images):
    backbone = Small()
    nn.init.zeros_(backbone.body[1].weight)
    assert extract(images, backbone, 6, CPU).x.equal(torch.zeros(130, 64))


def test_all_but_the_pixels_stays(images):
    made = extract(images, Small(), 6, CPU)
    assert (made.classes, made.rows, made.digest) == (images.classes, images.rows, images.digest)
    assert made.y.equal(images.y)


def test_they_are_computed_once(images):
    backbone, twin = Small(), Small()
    f = extract(images, backbone, 6, CPU).x
    assert extract(images, twin, 6, CPU).x.equal(f)
    assert (backbone.seen, twin.seen) == (130, 0)


def test_other_pixels_weights_or_size_are_computed_anew(images):
    extract(images, Small(), 6, CPU)
    for domain, seed, side in (
        (replace(images, digest="other"), 0, 6),
        (images, 1, 6),
        (images, 0, 5),
    ):
        backbone = Small(seed)
        extract(domain, backbone, side, CPU)
        assert backbone.seen == 130


def test_batch_norm_stands_still(images):
    backbone = Small().train()
    extract(images, backbone, 6, CPU)
    norm = backbone.body[1]
    assert norm.num_batches_tracked == 0
    assert norm.running_mean.equal(torch.zeros(4))


def test_features_of_features(images):
    body = nn.Linear(5, 3)
    x = torch.randn(130, 5)
    f = extract(replace(images, x=x), body, 0, CPU).x
    g = body(x).detach()
    torch.testing.assert_close(f, g / g.square().mean(1, keepdim=True).sqrt())


def test_a_computation_cut_short_leaves_no_file(images):
    backbone = Small()

    def break_off(module, inputs):
        if module.seen > 100:
            raise KeyboardInterrupt

    backbone.register_forward_pre_hook(break_off)
    with pytest.raises(KeyboardInterrupt):
        extract(images, backbone, 6, CPU)
    left = [file.name for file in (home() / "features").iterdir()]
    assert not [name for name in left if not name.endswith(".lock")]
