"""A small ConvNet for small images, with random weights."""

from torch import nn

from da.models.backbone import Backbone

PRETRAINED = False


def build(pretrained: bool = False) -> Backbone:
    """Build three convolutions, which map an image to 64 features."""
    layers: list[nn.Module] = []
    for before, after in ((3, 16), (16, 32), (32, 64)):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        layers += [nn.MaxPool2d(2)]
    body = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    return Backbone(body, 64, mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5))
