"""What methods build networks of: the neck, layers of heads, copies that no gradient moves."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from torch import nn

from da.config.ranges import Choice, Uniform
from da.config.validation import choice_errors, refuse, share_errors
from da.ops.linear import Linear
from da.ops.random import Dropout


def mlp(
    inputs: int,
    hidden: Iterable[int],
    outputs: int,
    *,
    norm: bool = False,
    dropout: float = 0.0,
    leak: float = 0.0,
) -> nn.Sequential:
    """Linear layers; after each hidden one batch norm if `norm`, ReLU (of slope `leak` below 0),
    and dropout.
    """
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [Linear(inputs, width), *([nn.BatchNorm1d(width)] if norm else [])]
        layers += [nn.LeakyReLU(leak) if leak else nn.ReLU()]
        layers += [Dropout(dropout)] if dropout else []
        inputs = width
    return nn.Sequential(*layers, Linear(inputs, outputs))


@dataclass(frozen=True)
class Network:
    """What stands on the backbone: `backbone -> neck -> head`.

    Raises ValueError for settings that contradict each other.
    """

    neck: Annotated[int, Choice(0, 128, 256, 512, 1024)] = 256
    """Width of the bottleneck (linear, batch norm, ReLU) whose output is aligned; 0 for none."""
    dropout: Annotated[float, Uniform(0, 0.8)] = 0.5
    """Share of the neck's output that is dropped in training."""
    head: tuple[int, ...] = ()
    """Widths of the classifier's hidden layers; none for a linear classifier."""
    bn: Literal["joint", "separate"] = "joint"
    """Whether source and target pass through batch norm in one batch or in two."""
    neck_norm: bool = True
    """Batch norm in the neck."""
    neck_relu: bool = True
    """ReLU at the end of the neck."""

    head_dropout: Annotated[float, Uniform(0, 0.8)] = 0.0
    """Share of each hidden layer of the classifier that is dropped in training."""
    head_init: Literal["default", "xavier"] = "default"
    """How the classifier's weights begin: PyTorch's way, or Xavier uniform."""
    label_smoothing: Annotated[float, Uniform(0, 0.3)] = 0.0
    """Share of each label that is spread over all classes."""

    def __post_init__(self) -> None:
        names = "dropout", "head_dropout", "label_smoothing"
        refuse(
            choice_errors(self)
            | share_errors(**{name: getattr(self, name) for name in names})
            | {
                f"neck is 1 or more, or 0 for none, not {self.neck}": self.neck < 0,
                f"layers of head are 1 or more wide, not {self.head}": any(
                    width < 1 for width in self.head
                ),
                "head_dropout goes with hidden layers, for example head 512": (
                    self.head_dropout != 0 and not self.head
                ),
            }
        )

    def build_head(self, inputs: int, classes: int) -> nn.Sequential:
        """A classifier for rows of `inputs` numbers."""
        head = mlp(inputs, self.head, classes, dropout=self.head_dropout)
        if self.head_init == "xavier":
            for layer in head:
                if isinstance(layer, nn.Linear):
                    nn.init.xavier_uniform_(layer.weight)
        return head

    def build_neck(self, inputs: int) -> tuple[nn.Module, int]:
        """The neck for features of width `inputs`, and the width of its output."""
        drop = [Dropout(self.dropout)] if self.dropout else []
        if not self.neck:
            return nn.Sequential(*drop), inputs
        norm = [nn.BatchNorm1d(self.neck)] if self.neck_norm else []
        relu = [nn.ReLU()] if self.neck_relu else []
        return nn.Sequential(Linear(inputs, self.neck), *norm, *relu, *drop), self.neck


def copy_as_buffers(network: nn.Module) -> nn.Module:
    """A copy whose weights are buffers: in checkpoints, and out of the optimizer's reach."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach())
    return network
