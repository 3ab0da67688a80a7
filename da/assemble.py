"""Everything a run needs before its first step: its images, its method, its device."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from da import backbones, domains, features, loaders, memory, weights
from da.domains import Domain, Images, Task
from da.methods import Method
from da.noise import default_generator
from da.run import Run


@dataclass(frozen=True)
class Parts:
    """What a run is made of, before its first step."""

    task: Task
    method: Method
    side: int
    device: torch.device
    generator: torch.Generator
    """What the run draws from while it trains, on `device`."""
    stored_side: int = 0
    """Pixels of the benchmark's images, of which networks see the middle `side`."""


def assemble(run: Run, device: str = "auto") -> Parts:
    """Data and untrained method of `run`; raises ValueError for what cannot be had."""
    place = _device(device)
    source, target = domains.open_pair(run.task, run.side)
    stored_side = source.x.shape[1]
    side = run.side or min(stored_side, 224)
    torch.manual_seed(run.seed)
    if run.regime == "frozen":
        frozen = features.frozen(run.backbone, weights.origin(run.init))
        recipe = features.Recipe(side, run.precision, run.augment, run.views)
        source, target = (features.extract(d, frozen, recipe, place) for d in (source, target))
        backbone: nn.Module = backbones.Features(source.x.shape[-1])
    else:
        if place.type == "cpu":
            memory.keep()
        backbone = backbones.build(run.backbone, run.init)
        if isinstance(backbone, backbones.Backbone) and not run.channels_last:
            backbone.layout = torch.contiguous_format
    source, target = (loaders.resident(d, place) for d in (source, target))
    method = run.method.build(backbone, len(source.classes), run.network).to(place)
    if run.channels_last:
        method.to(memory_format=torch.channels_last)
    if method.source_free:
        _begin(method, run.init)
    task = prepare(method, run.task, source, target)
    generator = default_generator(place).clone_state()
    return Parts(task, method, side, place, generator, stored_side)


def _begin(method: Method, run_id: str) -> None:
    """Give `method` the neck and the head that a run ended with; ValueError where they differ."""
    for name in ("neck", "head"):
        try:
            method.get_submodule(name).load_state_dict(weights.run_weights(run_id, name))
        except RuntimeError as error:
            raise ValueError(
                f"run {run_id!r} has another {name} than this run's network"
            ) from error


def prepare(method: Method, name: str, source: Domain, target: Domain) -> Task:
    """The task `name`, which `method` has looked at, with features as it maps them."""
    task = domains.build(name, source, target)
    show(method, task)
    if not method.frozen_only:  # pixels may be many, and nothing changes them
        return task
    with torch.no_grad():
        x_s, x_t = _each_view(method.map_source, source.x), _each_view(method.map_target, target.x)
    return domains.build(name, replace(source, x=x_s), replace(target, x=x_t))


def show(method: Method, task: Task) -> None:
    """Let `method` look at all the images of `task` that it will learn from."""
    if method.source_free:
        learnt_from = task.target_test if method.streams else task.target_train
        method.prepare_target(Images(learnt_from.x, learnt_from.rows))
    else:
        method.prepare(task.source_train, task.target_train)


def _each_view(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """What `function` makes of features `b d`, or of several views `b v d`."""
    return function(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no device {name!r}, known: auto, cpu, cuda ({reason})") from error
