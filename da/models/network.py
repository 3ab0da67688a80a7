"""Parts of networks for methods: necks, heads, and copies that no gradient changes."""

import copy
from collections.abc import Iterable

from torch import nn

from da.config.network import Network
from da.models.initialization import draw_weights
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


def build_head(network: Network, inputs: int, classes: int) -> nn.Sequential:
    """Build a classifier, as the settings of a network say.

    Args:
        network: Settings of the network.
        inputs: Width of its input.
        classes: Number of classes.
    """
    head = mlp(inputs, network.head, classes, dropout=network.head_dropout)
    if network.head_init == "xavier":
        for layer in head:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
    draw_weights(head, network.init_as)
    return head


def build_neck(network: Network, inputs: int) -> tuple[nn.Module, int]:
    """Build the neck for features of width `inputs`, and return it with its output width."""
    drop = [Dropout(network.dropout)] if network.dropout else []
    if not network.neck:
        return nn.Sequential(*drop), inputs
    norm = [nn.BatchNorm1d(network.neck)] if network.neck_norm else []
    relu = [nn.ReLU()] if network.neck_relu else []
    neck = nn.Sequential(Linear(inputs, network.neck), *norm, *relu, *drop)
    draw_weights(neck, network.init_as, neck=True)
    return neck, network.neck


def copy_as_buffers(network: nn.Module) -> nn.Module:
    """Copy a network with buffers for weights: stored in saved_weights, but never optimized."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach())
    return network
