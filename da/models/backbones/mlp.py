"""A multilayer perceptron, for points rather than images."""

from typing import Any

from torch import Tensor, nn

PRETRAINED = False


class MLP(nn.Sequential):
    """A perceptron with two hidden layers, for points rather than images."""

    def __init__(self, inputs: int, width: int = 64):
        super().__init__(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU())
        self.inputs = inputs
        self.width = width
        self.trained = False
        """Whether it has weights of a run, which fit points of one dimension alone."""

    def take_inputs(self, inputs: int) -> None:
        """Take points of so many numbers, by a new first layer if it has no weights of a run."""
        if inputs != self.inputs and not self.trained:
            self.inputs = inputs
            self[0] = nn.Linear(inputs, self.width)

    def _load_from_state_dict(self, state: dict[str, Tensor], prefix: str, *rest: Any) -> None:
        """Take the points that the weights were trained with."""
        if (weight := state.get(f"{prefix}0.weight")) is not None and weight.ndim == 2:
            self.take_inputs(weight.shape[1])
            self.trained = True
        super()._load_from_state_dict(state, prefix, *rest)


def build(pretrained: bool = False) -> MLP:
    """Build the network for points in the plane; `take_inputs` changes their dimension."""
    return MLP(2)
