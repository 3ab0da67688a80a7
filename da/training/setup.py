"""Everything a run needs before its first step: its images, its method, its device."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from da.data import loaders, tasks
from da.data.batch import Batch, TargetBatch
from da.data.domain import Change, Domain, Images, LabeledImages, Task
from da.data.transforms import Interpolation, Resize, to_eval_input
from da.methods import Method
from da.models import backbones, checkpoints, feature_selection, features, pruning
from da.models.backbone import Backbone, Features, check_fit, check_resize, interpolation
from da.ops.random import default_generator
from da.runs.run import Run
from da.runs.trained_model import TrainedModel, load_trained_model
from da.system import memory
from da.system.threads import one_thread


@dataclass(frozen=True)
class Parts:
    """What a run is made of, before its first step."""

    task: Task
    method: Method
    device: torch.device
    generator: torch.Generator
    """What the run draws from while it trains, on `device`."""
    stored_side: int = 0
    """Pixels a side of the benchmark's images."""


def assemble(run: Run, device: str = "auto") -> Parts:
    """Data and untrained method of `run`; raises ValueError for what cannot be had."""
    place = find_device(device)
    if run.cuda_graph and place.type != "cuda":
        raise ValueError(f"cuda_graph needs a GPU, and this run is on {place.type}")
    if place.type == "cpu":
        memory.keep_freed_memory()
    source, target = tasks.open_domains(run.task, run.side)
    stored_side = source.x.shape[1]
    torch.manual_seed(run.seed)
    make = _frozen if run.regime == "frozen" else _moving
    backbone, task = make(run, source, target, place)
    task = task.map(lambda x: loaders.place_near(x, place))
    with run_threads(run):
        method = _built(run, backbone, task, place)
        task = prepare_task(method, task)
    generator = default_generator(place).clone_state()
    return Parts(task, method, place, generator, stored_side)


def run_threads(run: Run) -> AbstractContextManager[None]:
    """One thread for a run on features, whose record is then the same on any number of cores,
    shared with any number of processes; all threads for others.
    """
    return one_thread() if run.regime == "frozen" else nullcontext()


def _built(run: Run, backbone: nn.Module, task: Task, place: torch.device) -> Method:
    """The method of `run` before it has seen any image."""
    method = run.method.build(backbone, len(task.classes), run.network).to(place)
    if run.channels_last:
        method.to(memory_format=torch.channels_last)
    run.tuning.hold(method.backbone)
    if method.source_free or run.sparsity:
        _begin(method, run)
    if method.taught:
        method.guide = torch.no_grad()(_teacher(run, task).to(place).forward)
    return method


def _columns(run: Run, labeled: LabeledImages) -> Tensor | None:
    """Columns of the features that `run` keeps, where not all: chosen on what its task labels; a
    source-free one keeps those of the run that it begins with.
    """
    if run.method.owner.source_free:
        return checkpoints.load_weights(run.init).get("columns")
    if not run.features:
        return None
    return feature_selection.select_columns(labeled, run.features, run.features_by)


def _frozen(
    run: Run, source: Domain, target: Domain, place: torch.device
) -> tuple[nn.Module, Task]:
    """What stands for a backbone that does not move, and the task of its features."""
    begun = checkpoints.weights_origin(run.init)
    frozen = backbones.frozen_backbone(run.backbone, begun, **run.backbone_options)
    if by_hand := _by_hand(run):
        check_resize(frozen.network, run.backbone, **by_hand)
    source, target = _resized(run, frozen.interpolation, source, target)
    recipe = features.Recipe(run.precision, run.augment, run.views)
    source, target = (features.extract_features(d, frozen, recipe, place) for d in (source, target))
    task = tasks.build_task(run.task, source, target)
    backbone = Features(source.x.shape[-1], _columns(run, task.source_train))
    return backbone, task.map(backbone)


def _moving(
    run: Run, source: Domain, target: Domain, place: torch.device
) -> tuple[nn.Module, Task]:
    """The backbone, and the task of the pixels as they are."""
    backbone = backbones.build_backbone(run.backbone, run.init, **run.backbone_options)
    if run.init != "random":
        check_resize(backbone, run.backbone, **_by_hand(run))
    source, target = _resized(run, interpolation(backbone), source, target)
    if isinstance(backbone, Backbone) and not run.channels_last:
        backbone.layout = torch.contiguous_format
    few = to_eval_input(source.x[:2], source.resize)
    check_fit(backbone, run.backbone, few)
    _change(backbone, run, few)
    return backbone, tasks.build_task(run.task, source, target)


def _by_hand(run: Run) -> dict[str, int | str]:
    """What `run` says of the size of its input, in place of what the weights want."""
    how = {"side": run.side, "interpolation": run.interpolation}
    return {what: given for what, given in how.items() if given not in (0, "weights")}


def _resized(run: Run, own: Interpolation, *domains: Domain) -> Iterator[Domain]:
    """Domains whose images are brought to network input as `run` says, else as its backbone's own
    weights want.
    """
    for domain in domains:
        side = run.side or min(domain.x.shape[1], 224)
        how = own if run.interpolation == "weights" else run.interpolation
        yield replace(domain, resize=Resize(side, how, run.crop_pct))


def _change(backbone: nn.Module, run: Run, x: Tensor) -> None:
    """Make `backbone` what `run` says, beyond its name; `x` is an example of its input."""
    if run.structured:
        pruning.narrow(backbone, run.sparsity, x)
    if run.unit_features:
        features.scale_outputs(backbone)


def _begin(method: Method, run: Run) -> None:
    """Give `method` the neck and the head that `run.init` ended with, and prune it if asked.

    Raises ValueError where they differ.
    """
    for name in ("neck", "head"):
        try:
            method.get_submodule(name).load_state_dict(checkpoints.load_weights(run.init, name))
        except RuntimeError as error:
            raise ValueError(
                f"run {run.init!r} has another {name} than this run's network"
            ) from error
    if run.sparsity and not run.structured:
        pruning.zero_smallest(pruning.prunable_weights(method.backbone, method.neck), run.sparsity)


def _teacher(run: Run, task: Task) -> TrainedModel:
    """The finished run that `run` learns from; ValueError where it is of another task."""
    teacher = load_trained_model(run.teacher)
    for what, theirs, ours in (
        ("classes", teacher.classes, task.classes),
        ("pixels a side", teacher.resize.side, task.source_train.resize.side),
    ):
        if theirs != ours:
            raise ValueError(f"teacher {run.teacher!r} has {theirs} {what}, this run {ours}")
    return teacher


def prepare_task(method: Method, task: Task) -> Task:
    """Show a method the images that it learns from, and return the task as it maps them."""
    show_images(method, task)
    if not method.frozen_only:  # pixels may be many, and nothing changes them
        return task
    with torch.no_grad():
        return task.map(_each_view(method.map_source), _each_view(method.map_target))


def show_images(method: Method, task: Task) -> None:
    """Let `method` look at all the images of `task` that it will learn from."""
    if method.source_free:
        learnt_from = task.target_test if method.streams else task.target_train
        method.prepare_target(Images(learnt_from.x, learnt_from.rows, resize=learnt_from.resize))
    else:
        method.prepare(task.source_train, task.target_train)


def _each_view(change: Change) -> Change:
    """Apply `change`, which takes features `b d`, to several views `b v d` too."""
    return lambda x: change(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


def find_device(name: str) -> torch.device:
    """The device `name`, where auto is a GPU if there is one; ValueError where there is none."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no device {name!r}, known: auto, cpu, cuda ({reason})") from error


def count_images(run: Run, parts: Parts, steps: int) -> int:
    """How many images `steps` steps of `run` take together, a repeated one each time."""
    if parts.method.streams:
        return min(steps * run.batch, len(parts.task.target_test))
    return (1 if parts.method.source_free else 2) * run.batch * steps


def count_steps(run: Run, parts: Parts) -> int:
    """How many training steps `run` takes: no more than a stream has batches."""
    if parts.method.streams:
        return min(run.steps, -(-len(parts.task.target_test) // run.batch))
    return run.steps


def run_batches(run: Run, parts: Parts) -> Iterator[Batch | TargetBatch]:
    """All that `run` is trained on, step by step; without an end, but for streams."""
    task, method = parts.task, parts.method
    if method.streams:
        return loaders.stream(task.target_test, run.batch, run.seed, device=parts.device)
    common = task, run.batch, run.seed
    if method.source_free:
        return loaders.target_batches(*common, augment=run.augment, device=parts.device)
    return loaders.batches(
        *common, augment=run.augment, device=parts.device, strong=method.takes_strong
    )
