"""A multilayer perceptron, for points rather than images."""

from torch import nn

PRETRAINED = False


class MLP(nn.Sequential):
    """A perceptron with two hidden layers, for points rather than images."""

    def __init__(self, inputs: int, width: int = 64):
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.width = width


def build(pretrained: bool = False) -> MLP:
    """Build the network for points in the plane."""
    return MLP(2)
