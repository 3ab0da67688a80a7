"""Parts of networks for methods: necks, heads, and copies that no gradient changes."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Literal

from torch import nn

from da.config.limits import COUNT, SHARE, WHOLE
from da.config.ranges import Choice, Uniform
from da.config.validation import choice_errors, limit_errors, refuse
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
    """Build a multilayer perceptron, with ReLU after each hidden layer.

    Args:
        inputs: Width of the input.
        hidden: Widths of the hidden layers; empty for a linear layer alone.
        outputs: Width of the output.
        norm: Whether batch norm follows each hidden layer, before the ReLU.
        dropout: Share of each hidden layer that is dropped in training, after the ReLU; 0 for
            none.
        leak: Slope of the ReLU below 0.
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
    """The layers on top of the backbone: `backbone -> neck -> head`.

    Raises:
        ValueError: Where settings contradict each other.
    """

    neck: Annotated[int, Choice(0, 128, 256, 512, 1024), WHOLE] = 256
    """Width of the neck (linear, batch norm, ReLU), whose output is aligned; 0 for no neck."""
    dropout: Annotated[float, Uniform(0, 0.8), SHARE] = 0.5
    """Share of the neck's output (features, if no neck) dropped in training; 0 for no dropout."""
    head: Annotated[tuple[int, ...], COUNT] = ()
    """Widths of the classifier's hidden layers; empty for a linear classifier."""
    bn: Literal["joint", "separate"] = "joint"
    """Batch norm of source and target: joint, in one batch, or separate, in two batches."""
    neck_norm: bool = True
    """Batch norm after the linear layer of the neck."""
    neck_relu: bool = True
    """ReLU at the end of the neck."""

    head_dropout: Annotated[float, Uniform(0, 0.8), SHARE] = 0.0
    """Share of each hidden layer of the classifier dropped in training; 0 for no dropout."""
    head_init: Literal["default", "xavier"] = "default"
    """Initial weights of the classifier: PyTorch's default, or Xavier uniform."""
    label_smoothing: Annotated[float, Uniform(0, 0.3), SHARE] = 0.0
    """Share of each label that is spread evenly over all classes; 0 for no smoothing."""

    def __post_init__(self) -> None:
        refuse(
            choice_errors(self)
            | limit_errors(self)
            | {
                "head_dropout goes with hidden layers, for example head 512": (
                    self.head_dropout != 0 and not self.head
                ),
            }
        )

    def build_head(self, inputs: int, classes: int) -> nn.Sequential:
        """Build a classifier for rows of `inputs` numbers."""
        head = mlp(inputs, self.head, classes, dropout=self.head_dropout)
        if self.head_init == "xavier":
            for layer in head:
                if isinstance(layer, nn.Linear):
                    nn.init.xavier_uniform_(layer.weight)
        return head

    def build_neck(self, inputs: int) -> tuple[nn.Module, int]:
        """Build the neck for features of width `inputs`, and return it with its output width."""
        drop = [Dropout(self.dropout)] if self.dropout else []
        if not self.neck:
            return nn.Sequential(*drop), inputs
        norm = [nn.BatchNorm1d(self.neck)] if self.neck_norm else []
        relu = [nn.ReLU()] if self.neck_relu else []
        return nn.Sequential(Linear(inputs, self.neck), *norm, *relu, *drop), self.neck


def copy_as_buffers(network: nn.Module) -> nn.Module:
    """Copy a network with buffers for weights: stored in saved_weights, but never optimized."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach())
    return network
