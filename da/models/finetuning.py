"""The trained parts of a backbone, as the settings of fine-tuning say."""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn
from torch.optim import Optimizer

from da.config.fine_tuning import FineTuning
from da.models.lora import LoraLinear
from da.models.stages import Stage, list_layers, list_stages


def hold_stages(tuning: FineTuning, backbone: nn.Module) -> None:
    """Freeze the parts of the backbone that are not trained at the first step.

    Raises:
        ValueError: Where the backbone has fewer stages or layers than the settings name, or no
            norms that could train.
    """
    if tuning.moves != "all":
        _hold_all_but(tuning.moves, backbone)
    if tuning.freeze:
        first = list(list_layers(getattr(backbone, "body", backbone)).values())
        _count("layers to freeze", tuning.freeze, len(first))
        Stage(first[: tuning.freeze]).hold()
    if tuning.last or tuning.unfreeze_every:
        every = list_stages(backbone)
        _count("stages to move", tuning.last, len(every))
        for stage in every[: len(every) - tuning.last]:
            stage.hold()


def _hold_all_but(moves: str, backbone: nn.Module) -> None:
    """Freeze the backbone except for its norms, or for the matrices that `add_lora` added."""
    layers = list_layers(backbone).values()
    norms = [layer for layer in layers if moves == "norm" and _is_norm(layer)]
    if moves == "norm" and not norms:
        raise ValueError("moves norm trains norms, and this backbone has none, known: lora")
    Stage([layer for layer in layers if layer not in norms]).hold()
    for layer in layers:
        if isinstance(layer, LoraLinear):
            layer.lora_a.requires_grad_(True)
            layer.lora_b.requires_grad_(True)


def _is_norm(layer: nn.Module) -> bool:
    own = [*layer.parameters(recurse=False)]
    named = "norm" in type(layer).__name__.lower()
    return named and bool(own) and all(p.ndim == 1 for p in own)


def release_stage(
    tuning: FineTuning,
    backbone: nn.Module,
    step: int,
    optimizer: Optimizer,
    options: Mapping[str, Any],
) -> None:
    """Unfreeze a stage of the backbone before `step` if one is due then.

    Args:
        tuning: Settings of fine-tuning.
        backbone: Backbone whose stages were frozen by `hold_stages`.
        step: Number of the step, from 1 on.
        optimizer: Optimizer that gets the weights of the stage.
        options: What groups of the backbone have, such as `lr`, the learning rate of its last
            stage, next to the output.
    """
    if not tuning.unfreeze_every or step <= tuning.unfreeze_every:
        return
    depth, rest = divmod(step - 1 - tuning.unfreeze_every, tuning.unfreeze_every)
    if rest:
        return
    for stage in list_stages(backbone)[::-1][depth : depth + 1]:
        stage.release()
        for group in _split(tuning, stage.parameters(), _deeper(options, tuning.stage_lr**depth)):
            optimizer.add_param_group(group)


def group_parameters(
    tuning: FineTuning,
    method: nn.Module,
    rates: Mapping[str, float],
    options: Mapping[str, Any],
) -> list[dict[str, Any]]:
    """Return the optimizer's groups of trained parameters, those of the backbone last.

    Args:
        tuning: Settings of fine-tuning.
        method: Method whose parameters are trained.
        rates: Learning rate by the attribute of the method that holds a part outside the backbone,
            such as neck and head; that of "" is for all others.
        options: What groups of the backbone have, such as `lr`, the learning rate of its last
            stage, next to the output.
    """
    backbone: nn.Module = method.backbone  # type: ignore[assignment]
    found, held = [], {id(p) for p in backbone.parameters()}
    for name, lr in rates.items():
        part = getattr(method, name, nn.Module()) if name else method
        mine = [p for p in part.parameters() if id(p) not in held]
        held |= {*map(id, mine)}
        found += _split(tuning, mine, {"lr": lr})
    return found + [group for part in _backbone_groups(tuning, backbone, options) for group in part]


def _backbone_groups(
    tuning: FineTuning, backbone: nn.Module, options: Mapping[str, Any]
) -> Iterator[list[dict[str, Any]]]:
    if tuning.stage_lr == 1:
        yield _split(tuning, list(backbone.parameters()), options)
    else:
        for depth, stage in enumerate(reversed(list_stages(backbone))):
            yield _split(tuning, stage.parameters(), _deeper(options, tuning.stage_lr**depth))


def _deeper(options: Mapping[str, Any], factor: float) -> dict[str, Any]:
    return {**options, "lr": options["lr"] * factor}


def _split(
    tuning: FineTuning, parameters: list[nn.Parameter], options: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Group the trained parameters: vectors apart from matrices where they do not decay."""
    moving = [p for p in parameters if p.requires_grad]
    if tuning.decay_norms:
        found = [{"params": moving, **options}]
    else:
        found = [
            {"params": [p for p in moving if p.ndim > 1], **options},
            {"params": [p for p in moving if p.ndim <= 1], **options, "weight_decay": 0.0},
        ]
    return [group for group in found if group["params"]]


def _count(what: str, asked: int, there: int) -> None:
    if asked > there:
        raise ValueError(f"unknown number of {what} {asked}, known: up to {there}")
