"""Parts of networks for methods: necks, heads, and copies that no gradient changes."""

import copy
from collections.abc import Iterable

from torch import nn

from da.config.network import Network
from da.models.initialization import draw_weights
from da.ops.linear import Linear, WeightNormLinear
from da.ops.random import Dropout


def mlp(
    inputs: int,
    hidden: Iterable[int],
    outputs: int,
    *,
    norm: bool = False,
    dropout: float = 0.0,
    leak: float = 0.0,
    drop_inputs: bool = False,
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
        drop_inputs: Whether the input of each hidden layer is dropped instead.
    """
    layers: list[nn.Module] = []
    for width in hidden:
        drop = [Dropout(dropout)] if dropout else []
        layers += drop if drop_inputs else []
        layers += [Linear(inputs, width), *([nn.BatchNorm1d(width)] if norm else [])]
        layers += [nn.LeakyReLU(leak) if leak else nn.ReLU()]
        layers += [] if drop_inputs else drop
        inputs = width
    return nn.Sequential(*layers, Linear(inputs, outputs))


def build_head(network: Network, inputs: int, classes: int) -> nn.Sequential:
    """Build a classifier, as the settings of a network say.

    Args:
        network: Settings of the network.
        inputs: Width of its input.
        classes: Number of classes.
    """
    head = mlp(
        inputs,
        network.head,
        classes,
        norm=network.head_norm,
        dropout=network.head_dropout,
        drop_inputs=network.head_dropout_at == "inputs",
    )
    if network.head_init == "xavier":
        for layer in head:
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)
    draw_weights(head, network.init_as)
    if network.head_weight_norm and isinstance(last := head[-1], nn.Linear):
        head[-1] = WeightNormLinear(last)
    return head


def build_neck(network: Network, inputs: int) -> tuple[nn.Module, int]:
    """Build the neck for features of width `inputs`, and return it with its output width."""
    if not network.neck:
        return nn.Sequential(*_drop(network)), inputs
    widths = [inputs, *[network.neck] * network.neck_layers]
    layers = [layer for width in widths[:-1] for layer in _neck_layers(network, width)]
    neck = nn.Sequential(*layers)
    draw_weights(neck, network.init_as, neck=True)
    return neck, network.neck


def _neck_layers(network: Network, inputs: int) -> list[nn.Module]:
    norm = [nn.BatchNorm1d(network.neck)] if network.neck_norm else []
    relu = [nn.ReLU()] if network.neck_relu else []
    return [Linear(inputs, network.neck), *norm, *relu, *_drop(network)]


def _drop(network: Network) -> list[nn.Module]:
    return [Dropout(network.dropout)] if network.dropout else []


def copy_as_buffers(network: nn.Module) -> nn.Module:
    """Copy a network with buffers for weights: stored in saved_weights, but never optimized."""
    network = copy.deepcopy(network)
    for module in network.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            delattr(module, name)
            module.register_buffer(name, weight.detach())
    return network
