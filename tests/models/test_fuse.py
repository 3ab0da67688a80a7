import pytest
import torch
import torch.nn.functional as F
from torch import nn

from da.models.backbones import build_backbone
from da.models.fuse import fuse_batch_norms


class ActNorm(nn.BatchNorm2d):
    """As timm's, which holds its activation."""

    def __init__(self, channels):
        super().__init__(channels)
        self.act = nn.ReLU()

    def forward(self, x):
        return self.act(super().forward(x))


class DoublingNorm(nn.BatchNorm2d):
    def forward(self, x):
        return 2 * super().forward(x)


class StandardizedConv(nn.Conv2d):
    def forward(self, x):
        weight = F.layer_norm(self.weight, self.weight.shape[1:])
        return F.conv2d(x, weight, self.bias)


class Around(nn.Module):
    """A shortcut round the norm."""

    def __init__(self):
        super().__init__()
        self.conv, self.norm = nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)

    def forward(self, x):
        h = self.conv(x)
        return h + self.norm(h)


class TwoNorms(nn.Module):
    """One convolution, seen by two norms in turn."""

    def __init__(self):
        super().__init__()
        self.conv, self.one, self.two = nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3), nn.BatchNorm2d(3)

    def forward(self, x):
        return self.two(self.conv(self.one(self.conv(x))))


def trained(network: nn.Module) -> nn.Module:
    """In evaluation, with the statistics and scales that a training could have left."""
    g = torch.Generator().manual_seed(0)
    for m in network.modules():
        if isinstance(m, nn.BatchNorm2d) and m.running_var is not None:
            m.running_mean.normal_(0, 0.3, generator=g)
            m.running_var.uniform_(0.3, 2, generator=g)
            if m.affine:
                nn.init.uniform_(m.weight, 0.5, 1.5, generator=g)
                nn.init.normal_(m.bias, 0, 0.3, generator=g)
    return network.eval().requires_grad_(False)


def images(side: int = 8) -> torch.Tensor:
    return torch.rand(4, 3, side, side, generator=torch.Generator().manual_seed(1))


def norms(network: nn.Module) -> int:
    return sum(isinstance(m, nn.BatchNorm2d) for m in network.modules())


@pytest.mark.parametrize(
    "layers",
    [
        [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)],
        [nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8, affine=False), nn.ReLU(inplace=True)],
        [nn.Conv2d(3, 6, 3, groups=3, padding=1, padding_mode="reflect"), nn.BatchNorm2d(6, 0.1)],
        [nn.Conv2d(3, 8, 3), ActNorm(8), nn.Conv2d(8, 4, 1), nn.BatchNorm2d(4)],
    ],
    ids=["bias", "no bias", "groups", "activation inside"],
)
def test_norms_are_folded_and_outputs_stay(layers):
    network = trained(nn.Sequential(*layers))
    for layout in (torch.contiguous_format, torch.channels_last):
        network.to(memory_format=layout)
        copy = fuse_batch_norms(network, images())
        assert norms(copy) == 0
        assert not copy[0]._forward_hooks
        torch.testing.assert_close(copy(images()), network(images()))


def test_the_network_itself_stays():
    network = trained(nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8)))
    before = network(images())
    fuse_batch_norms(network, images())
    assert norms(network) == 1
    assert network(images()).equal(before)


def test_only_norms_right_behind_a_convolution_are_folded():
    network = trained(
        nn.Sequential(
            nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.BatchNorm2d(8)
        )
    )
    copy = fuse_batch_norms(network, images())
    assert [type(m).__name__ for m in copy] == [
        "BatchNorm2d", "ReLU", "Conv2d", "Identity", "BatchNorm2d",
    ]  # fmt: skip
    torch.testing.assert_close(copy(images()), network(images()))


@pytest.mark.parametrize(
    "network",
    [
        nn.Sequential(nn.BatchNorm2d(3), nn.ReLU(), nn.Conv2d(3, 8, 3)),
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.BatchNorm2d(8)),
        nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8, track_running_stats=False)),
        nn.Sequential(nn.Conv2d(3, 8, 3), DoublingNorm(8)),
        nn.Sequential(StandardizedConv(3, 8, 3), nn.BatchNorm2d(8)),
        Around(),
        TwoNorms(),
        nn.Sequential(nn.Flatten(), nn.Linear(192, 4)),
    ],
    ids=lambda network: type(network).__name__,
)
def test_what_cannot_be_folded_is_given_back(network):
    assert fuse_batch_norms(trained(network), images()) is network


def test_points_need_no_images():
    network = nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)).eval()
    assert fuse_batch_norms(network, torch.rand(4, 2)) is network


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("resnet18", 0),
        ("resnet50", 0),
        ("densenet121", 62),
        ("mobilenet_v2", 0),
        ("mobilenet_v3_small", 0),
        ("efficientnet_lite0", 0),
        ("test_vit", 0),
        ("convnext_atto", 0),
    ],
)
def test_backbones_fold(name, left):
    network = trained(build_backbone(name, "random"))
    x = images(160 if name == "test_vit" else 64)
    copy = fuse_batch_norms(network, x)
    assert norms(copy) == left
    assert (copy is network) == (not norms(network))
    f, g = copy(x), network(x)
    torch.testing.assert_close(f, g, rtol=0, atol=1e-5 * g.abs().max().item())
