"""A multilayer perceptron, for points."""

from torch import nn


class MLP(nn.Sequential):
    """For points rather than images."""

    def __init__(self, inputs: int, width: int = 64):
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.width = width
