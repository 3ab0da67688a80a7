"""Pruning of the weights, or whole channels, of least magnitude.

Single weights become 0 and stay 0. One threshold holds for all layers except the classifier: the
weights of a new classifier are all small and would be pruned first. Layers that lose channels
become smaller: `take_shapes` gives a newly built network the shapes of a pruned one. This is the
only module that imports torch_pruning.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from jaxtyping import Shaped
from torch import Tensor, nn
from torch.optim import Optimizer

from da.system.extras import extra, require

NARROWED = "narrowed"
"""Name of a buffer in a network that has lost channels, by which its stored weights are known."""


def prunable_weights(*networks: nn.Module) -> list[nn.Parameter]:
    """List matrices and kernels of `networks`, without biases and the weights of norms."""
    named = [pair for network in networks for pair in network.named_parameters()]
    every = [p for name, p in named if name.rpartition(".")[2] == "weight" and p.ndim > 1]
    return list(dict.fromkeys(every))


@torch.no_grad()
def zero_smallest(weights: list[nn.Parameter], share: float) -> None:
    """Set the `share` of least magnitude among all `weights` together to 0."""
    magnitudes = torch.cat([weight.flatten().abs() for weight in weights])
    kept = torch.ones_like(magnitudes)
    kept[magnitudes.argsort(stable=True)[: round(share * len(magnitudes))]] = 0
    for weight, mask in zip(weights, kept.split([w.numel() for w in weights]), strict=True):
        weight.mul_(mask.view_as(weight))


def keep_zeros(optimizer: Optimizer, weights: list[nn.Parameter]) -> None:
    """Keep those of `weights` that are 0 now at 0 after every step of `optimizer`."""
    masks = [(weight != 0).to(weight) for weight in weights]

    @torch.no_grad()
    def zero(*_: Any) -> None:
        for weight, mask in zip(weights, masks, strict=True):
            weight.mul_(mask)

    optimizer.register_step_post_hook(zero)


def narrow(network: nn.Module, share: float, x: Shaped[Tensor, "b ..."]) -> None:
    """Remove the channels of least norm from every layer, except those that output features.

    Layers whose channels depend on each other lose the same ones (Fang et al. 2023).

    Args:
        network: Network that is changed in place.
        share: Share of the channels of each layer that is removed.
        x: Example of the input.

    Raises:
        ValueError: Where the channels of the network cannot be removed.
    """
    require("prune", "pruning of channels", "torch_pruning")
    wide, training = deepcopy(network), network.training
    size = _size(network)
    try:
        _take_out(network, share, x)
        network.register_buffer(NARROWED, torch.tensor(True))
        take_shapes(wide, network.state_dict())
        wide.load_state_dict(network.state_dict())
        same = torch.equal(wide.eval()(x), network.eval()(x))
    except Exception as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"cannot take channels out of this backbone: {reason}") from error
    if not same or _size(network) == size:
        raise ValueError("cannot take channels out of this backbone, known: convolutional networks")
    network.train(training)


def _take_out(network: nn.Module, share: float, x: Shaped[Tensor, "b ..."]) -> None:
    with catch_warnings(), extra("prune", "pruning of channels"):
        simplefilter("ignore")  # about parameters outside of layers, which it does not prune
        import torch_pruning

        reader = nn.Linear(network.width, 1)  # type: ignore[arg-type]
        whole = nn.Sequential(network, reader)  # layers that `reader` depends on output features
        graph = torch_pruning.DependencyGraph().build_dependency(whole, x)
        groups = [[part.dep.target.module for part in g] for g in graph.get_all_groups()]
        read = {module for group in groups if reader in group for module in group}
        torch_pruning.pruner.MagnitudePruner(
            whole,
            x,
            torch_pruning.importance.MagnitudeImportance(),
            pruning_ratio=share,
            ignored_layers=[module for module in read if isinstance(module, nn.Module)],
        ).step()


def _size(network: nn.Module) -> int:
    return sum(weight.numel() for weight in network.parameters())


def take_shapes(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Give the layers of `network` the shapes in `state`, the weights of a pruned network."""
    for path, module in network.named_modules():
        tensors = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        for name, tensor in tensors:
            shape = state.get(f"{path}.{name}", tensor).shape
            if shape != tensor.shape:
                new = tensor.detach().new_empty(shape)
                setattr(
                    module, name, nn.Parameter(new) if isinstance(tensor, nn.Parameter) else new
                )
        _update_shape(module)
    network.register_buffer(NARROWED, torch.tensor(True))


def _update_shape(module: nn.Module) -> None:
    """Make the attributes of a layer match its new shape; for convolutions, the groups too."""
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d):
        channels, of_group = module.weight.shape[:2]
        depthwise = module.groups == module.in_channels > 1
        module.groups = channels if depthwise else module.groups
        module.out_channels, module.in_channels = channels, of_group * module.groups
    elif isinstance(module, nn.Linear):
        module.out_features, module.in_features = module.weight.shape
    elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
        module.num_features = len(module.weight)
    elif isinstance(module, nn.LayerNorm) and module.elementwise_affine:
        module.normalized_shape = tuple(module.weight.shape)
