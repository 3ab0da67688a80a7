"""Prepare what a run needs before its first step: images, method and device."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from da.config.task_name import TaskName
from da.data import loaders, overlap, stores, tasks
from da.data.balanced import Balance, Predicted
from da.data.batch import Batch, TargetBatch
from da.data.domain import Change, Domain, Images, Task
from da.data.streams import order_stream
from da.evaluation.collector import Collector
from da.methods import Method
from da.methods._class_weights import add_weights
from da.methods._column_heads import add_heads
from da.methods._shots import mixes_shots
from da.methods._target_pass import over_target
from da.models import backbones
from da.models.accumulation import pass_in_parts
from da.models.class_texts import embed_classes
from da.models.features import extract_features
from da.models.finetuning import hold_stages
from da.ops.random import default_generator
from da.runs import provenance
from da.runs.run import Run
from da.system import memory
from da.training.backbone_setup import Extract, prepare_frozen, prepare_trained
from da.training.data_parallel import divide_backbone, watch_gradients
from da.training.device import find_device
from da.training.earlier_runs import load_teacher, load_top
from da.training.failures import explain_failures
from da.training.formats import Formats, choose_formats, set_formats
from da.training.input_side import check_side
from da.training.threads import run_threads


@dataclass(frozen=True)
class Parts:
    """The data, method and device of a run, ready for its first step."""

    task: Task
    method: Method
    device: torch.device
    generator: torch.Generator
    """Random generator of the training, on `device`."""
    stored_side: int = 0
    """Pixels a side of the images as stored."""
    made_from: dict[str, Any] = field(default_factory=dict)
    """What the data is, for the record; see `da.results.records.Record.made_from`."""
    collector: Collector = field(default_factory=Collector)
    """Collects the outputs of evaluations."""
    predicted: Predicted = field(default_factory=Predicted)
    """Classes of target images by which batches are balanced."""
    formats: Formats = field(default_factory=Formats)
    """How the network's numbers are stored."""


@explain_failures
def assemble(
    run: Run,
    device: str = "auto",
    results: Path = Path("results"),
    extract: Extract = extract_features,
) -> Parts:
    """Load the data of `run` and build its untrained method.

    Args:
        run: Settings of the run.
        device: Name of the device: auto, cpu, cuda or the like.
        results: Folder of the runs that it begins with.
        extract: Function that gives frozen features of a domain.

    Raises:
        ValueError: Where the data, the weights or the device are not available or do not fit.
        MemoryError: Where the network does not fit into memory.
    """
    place = find_device(device)
    if run.cuda_graph and place.type != "cuda":
        raise ValueError(f"cuda_graph needs a GPU, and this run is on {place.type}")
    if place.type == "cpu":
        memory.keep_freed_memory()
    check_side(run)
    domains = open_domains(run)
    stored_side = domains[1].x.shape[1]
    torch.manual_seed(run.seed)
    frozen = partial(prepare_frozen, extract=extract)
    make = frozen if run.regime == "frozen" else prepare_trained
    backbone, task = make(run, domains, place, results)
    few = task.source_train.to_input(torch.arange(min(2, len(task.source_train))), place)
    with run_threads(run):
        formats = choose_formats(run, backbone, few)
    divide_backbone(backbone)
    made_from = {
        **provenance.describe_origin(run, results),
        **tasks.digest_domains(run.task, *domains),
        **({"network": tag} if (tag := getattr(backbone, "tag", "")) else {}),
        **overlap.report_overlap(task, *domains),
        **tasks.count_left_out(*domains),
    }
    task = task.map(lambda x: loaders.place_near(x, place))
    with run_threads(run):
        method = _built(run, backbone, task, place, results, formats)
        task = prepare_task(method, task, _asked(run, domains[1], task))
    watch_gradients(method)
    if not method.streams:
        largest = max(len(task.source_train), len(task.target_train))
        loaders.warn_of_copies(run.batch, largest)
    generator = default_generator(place).clone_state()
    collector = Collector(augment=run.augment)
    about = stored_side, made_from, collector
    return Parts(task, method, place, generator, *about, formats=formats)


def open_domains(run: Run) -> tuple[Domain, ...]:
    """Open the source and target of a run, and the domain of its test images if that is another.

    Raises:
        ValueError: Where the data is not available or does not fit.
    """
    with stores.read_once(run.regime == "frozen"):
        return (
            *tasks.open_domains(run.task, run.reading),
            *tasks.open_tests(run.task, run.test, run.reading),
        )


def _built(
    run: Run,
    backbone: nn.Module,
    task: Task,
    place: torch.device,
    results: Path,
    formats: Formats,
) -> Method:
    """Build the method of `run`, which has seen no image yet."""
    sources = len(TaskName.parse(run.task).sources)
    method = run.method.build(backbone, len(task.classes), run.network, sources).to(place)
    set_formats(method, backbone, formats)
    hold_stages(run.tuning, method.backbone)
    if run.optimization.accumulate > 1:
        pass_in_parts(method.backbone, run.optimization.accumulate)
    add_heads(method, run.labels, [len(column.classes) for column in task.source_train.columns])
    if run.shift.label_shift != "none":
        add_weights(method)
    if method.takes_names:
        method.take_names(*embed_names(run, backbone, task, results))
    if (
        (method.source_free and not method.taught)
        or run.sparsity
        or run.tuning.begins_with == "network"
    ):
        load_top(method, run, task, results)
    if method.taught:
        method.guide = torch.no_grad()(load_teacher(run, task, place, results))
    return method


def embed_names(run: Run, backbone: nn.Module, task: Task, results: Path) -> tuple[Tensor, float]:
    """Return an embedding of each class's name, and the factor of cosines with these."""
    begun = "random" if run.init == "random" else "pretrained"
    frozen = backbones.frozen_backbone(run.backbone, begun, **run.backbone_options, results=results)
    texts, scale = embed_classes(frozen, task.classes, vars(run.method)["templates"])
    return backbone(texts) if run.regime == "frozen" else texts, scale


def _asked(run: Run, target: Domain, task: Task) -> Images:
    """Return the target's training images as a network of another run takes them."""
    seen = task.target_train
    if run.regime == "full":
        return seen
    return replace(target, resize=seen.resize).images(seen.rows)


def prepare_task(method: Method, task: Task, asked: Images | None = None) -> Task:
    """Show a method the images that it learns from, and return the task with its mapped images.

    Args:
        method: Method that is prepared.
        task: Task with its images or features.
        asked: Images of which a black box gives predictions; those of the task if None.
    """
    show_images(method, task, asked)
    if not method.frozen_only:  # such a method changes no images, and pixels may be many
        return task
    with torch.no_grad():
        return task.map(_each_view(method.map_source), _each_view(method.map_target))


def show_images(method: Method, task: Task, asked: Images | None = None) -> None:
    """Show `method` all images of `task` that it will learn from, as in `prepare_task`."""
    if method.source_free and method.taught:
        method.predictions = over_target(method, asked or task.target_train, method.guide)
    if method.source_free:
        source, target = task.source_train, task.target_train
        target = task.target_test if method.streams else target
        method.prepare_source(Images(source.x, source.rows, resize=source.resize))
        method.prepare_target(Images(target.x, target.rows, resize=target.resize))
    else:
        method.prepare(task.source_train, task.target_train)


def _each_view(change: Callable[[Tensor], Tensor]) -> Change:
    """Return `change`, which takes features `b d`, as a function that also takes views `b v d`."""
    return lambda x: change(x.flatten(0, -2)).unflatten(0, x.shape[:-1])


def count_images(run: Run, parts: Parts, steps: int) -> int:
    """Count the images in `steps` steps of `run`; an image that comes twice counts twice.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        steps: Number of training steps.
    """
    if parts.method.streams:
        return sum(map(len, _stream_batches(run, parts)[:steps]))
    domains = 1 if parts.method.source_free else 1 + run.optimization.target_images
    return domains * run.batch * steps


def count_steps(run: Run, parts: Parts) -> int:
    """Return the number of training steps, which for a stream is at most its number of batches.

    It is 1 where steps move nothing: no head of further label columns either.
    """
    if not run.method.trains and not run.labels.further:
        return 1
    if parts.method.streams:
        return min(run.steps, len(_stream_batches(run, parts)))
    return run.steps


def _stream_batches(run: Run, parts: Parts) -> list[Tensor]:
    return loaders.split_stream(order_stream(parts.task, run.seed), run.batch)


def run_batches(run: Run, parts: Parts, start: int = 0) -> Iterator[Batch | TargetBatch]:
    """Yield the batch of each step of `run`, without an end, except for streams.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        start: Steps that were done before, whose batches are left out.
    """
    task, method = parts.task, parts.method
    if method.streams:
        order = order_stream(task, run.seed)
        test = task.target_test
        return loaders.stream(
            test, run.batch, run.seed, order=order, device=parts.device, start=start
        )
    common = task, run.batch, run.seed
    balance = _balance(run, parts)
    if method.source_free:
        return loaders.target_batches(
            *common,
            augment=run.augment,
            device=parts.device,
            balance=balance,
            transforms=run.transforms,
            start=start,
        )
    return loaders.batches(
        *common,
        augment=run.augment,
        device=parts.device,
        strong=method.takes_strong,
        mix_shots=mixes_shots(type(method)),
        balance=balance,
        transforms=run.transforms,
        target_images=run.optimization.target_images,
        start=start,
    )


def _balance(run: Run, parts: Parts) -> Balance | None:
    """Return how classes get equal shares of a batch; None where the run does not say so."""
    if not run.shift.balance_every:
        return None
    method, target = parts.method, parts.task.target_train

    def classify() -> Tensor:
        return over_target(method, target, method.predict).argmax(1)

    return classify, run.shift.balance_every, parts.predicted
