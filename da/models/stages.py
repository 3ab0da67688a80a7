"""The stages of a backbone, and how to freeze some of them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from torch import nn

LISTS = {"features", "blocks", "layers", "stages", "encoder", "trunk_output"}
"""Names of modules in which libraries list the stages of a network."""

POOLS = nn.MaxPool2d, nn.AvgPool2d


@dataclass
class Stage:
    """A part of a network that is frozen or trained as a whole."""

    layers: list[nn.Module] = field(default_factory=list)
    """Modules with weights of their own, or without submodules."""

    def parameters(self) -> list[nn.Parameter]:
        """Return all weights of the stage, including the network's own where it has them."""
        return [p for layer in self.layers for p in layer.parameters(recurse=False)]

    def hold(self) -> None:
        """Freeze the stage: no gradients, and batch norms and dropouts as in evaluation."""
        self._move(False)

    def release(self) -> None:
        """Train the stage from now on."""
        self._move(True)

    def _move(self, moves: bool) -> None:
        for layer in self.layers:
            layer.held = not moves  # type: ignore[assignment]
            layer.training = moves  # not `train()`, which would change submodules too
            for parameter in layer.parameters(recurse=False):
                parameter.requires_grad_(moves)


def keep_held_in_eval(network: nn.Module) -> None:
    """Put frozen layers in evaluation mode, whatever the mode of the network."""
    for layer in network.modules():
        if getattr(layer, "held", False):
            layer.training = False


def list_layers(backbone: nn.Module) -> dict[str, nn.Module]:
    """List all modules with weights of their own, or without submodules, in order and by name."""
    return {
        name: module
        for name, module in backbone.named_modules()
        if not any(module.children()) or any(True for _ in module.parameters(recurse=False))
    }


def list_stages(backbone: nn.Module) -> list[Stage]:
    """List the stages of a backbone, from the input to the output.

    They are the stages that timm names; in other networks, the parts that follow each other.
    Layers before the first part are split after each pool. A part without a matrix of weights,
    such as a last norm, belongs to the stage before it.
    """
    body = getattr(backbone, "body", backbone)
    number = dict(_by_timm(body) if hasattr(body, "group_matcher") else _by_place(body))
    found: list[Stage] = []
    last: object = None
    for name, layer in list_layers(body).items():
        mine = number.get(name, last)
        if not found or (mine != last and _has_matrix(body, name, mine, number)):
            found.append(Stage())
        last = mine
        found[-1].layers.append(layer)
    return found


def _has_matrix(body: nn.Module, name: str, mine: object, number: dict[str, object]) -> bool:
    same = (body.get_submodule(other) for other, n in number.items() if n == mine)
    return any(p.ndim > 1 for layer in same for p in layer.parameters(recurse=False))


def _by_timm(body: nn.Module) -> Iterator[tuple[str, object]]:
    """Yield layers with weights and timm's number of their stage."""
    from timm.models import group_parameters

    groups = group_parameters(body, body.group_matcher(coarse=True))  # type: ignore[operator]
    for number, names in groups.items():
        for name in names:
            yield name.rpartition(".")[0], number


def _by_place(body: nn.Module) -> Iterator[tuple[str, object]]:
    """Yield layers and their part: the first name on their path that is not one of `LISTS`."""
    cut, in_stem = 0, True
    for name, layer in list_layers(body).items():
        first, *deeper = [part for part in name.split(".") if part not in LISTS] or [""]
        if deeper:
            in_stem = False
            yield name, first
        elif in_stem:
            cut += isinstance(layer, nn.Linear)
            yield name, cut
            cut += isinstance(layer, POOLS)
