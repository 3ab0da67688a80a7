"""LeNet, for digits."""

from torch import nn

from da.models.backbone import Backbone

PRETRAINED = False


def build(pretrained: bool = False) -> Backbone:
    """Build the MNIST network of Ganin et al. 2016, figure 4a, up to the fork.

    It maps images of 28 pixels a side to 768 features. ReLU follows the pool, which gives the
    same numbers for less work.
    """
    body = nn.Sequential(
        nn.Conv2d(3, 32, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Conv2d(32, 48, 5),
        nn.MaxPool2d(2),
        nn.ReLU(),
        nn.Flatten(),
    )
    return Backbone(body, 48 * 4 * 4, (0.5,) * 3, (0.5,) * 3)
