"""Wide residual network of 28 layers and 10 times the width, for images of 32 pixels."""

from collections import OrderedDict

from torch import Tensor, nn

from da.models.backbone import Backbone

PRETRAINED = False

DEPTH = 4
"""Blocks in each of the three groups: (28 - 4) / 6."""


class Block(nn.Module):
    """Two convolutions, each after batch norm and ReLU, and a way around them."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, width, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.convShortcut = (
            nn.Conv2d(inputs, width, 1, stride, bias=False) if inputs != width else None
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return the sum of both ways; where widths differ, both begin after norm and ReLU."""
        y = self.bn1(x).relu()
        around = x if self.convShortcut is None else self.convShortcut(y)
        return around + self.conv2(self.bn2(self.conv1(y)).relu())


class Group(nn.Module):
    """Blocks of one width, of which the first has the stride."""

    def __init__(self, inputs: int, width: int, stride: int) -> None:
        super().__init__()
        rest = (Block(width, width, 1) for _ in range(DEPTH - 1))
        self.layer = nn.Sequential(Block(inputs, width, stride), *rest)

    def forward(self, x: Tensor) -> Tensor:
        """Return the output of the last block."""
        return self.layer(x)


def build(pretrained: bool = False) -> Backbone:
    """Build the network of Zagoruyko & Komodakis 2016 without dropout, up to its 640 features.

    Weights have the names of RobustBench's files for CIFAR-10, which `--init FILE` reads. As in
    these, images are not normalized.
    """
    parts = {
        "conv1": nn.Conv2d(3, 16, 3, 1, 1, bias=False),
        "block1": Group(16, 160, 1),
        "block2": Group(160, 320, 2),
        "block3": Group(320, 640, 2),
        "bn1": nn.BatchNorm2d(640),
        "relu": nn.ReLU(),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flat": nn.Flatten(),
    }
    return Backbone(nn.Sequential(OrderedDict(parts)), 640, (0.0,) * 3, (1.0,) * 3)
