"""A classifier by cosines, for methods that compare features with a prototype of each class."""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from da.config.network import Network
from da.models.network import build_head
from da.ops.precision import upcast


class Cosine(nn.Module):
    """Cosine of each row with each of some prototypes, over a temperature.

    Args:
        weight: Initial prototypes, one a row.
        temperature: Number that the cosines are divided by.
        unit: Whether prototypes count by their direction alone, and not by their length.
    """

    def __init__(self, weight: Float[Tensor, "k d"], temperature: float, unit: bool = True):
        super().__init__()
        self.weight = nn.Parameter(weight.detach().clone())
        self.temperature, self.unit = temperature, unit

    def forward(self, x: Float[Tensor, "b d"]) -> Float[Tensor, "b k"]:
        """Compute the logits, in float32 at least."""
        with torch.autocast(x.device.type, enabled=False):
            return F.normalize(upcast(x)) @ self.prototypes().mT / self.temperature

    def prototypes(self) -> Float[Tensor, "k d"]:
        """Return the prototypes, each of length 1 if only directions count."""
        return F.normalize(self.weight) if self.unit else self.weight


def build_cosine_head(
    network: Network, inputs: int, classes: int, temperature: float, *, unit: bool = True
) -> nn.Sequential:
    """Build a classifier as `build_head` does, with cosines as its last layer.

    Args:
        network: Settings of the network.
        inputs: Width of its input.
        classes: Number of classes.
        temperature: Number that the cosines are divided by.
        unit: Whether prototypes count by their direction alone.
    """
    head = build_head(network, inputs, classes)
    last = head[-1]
    assert isinstance(last, nn.Linear)
    head[-1] = Cosine(last.weight, temperature, unit)
    return head
