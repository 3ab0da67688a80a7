"""A bare training loop over two loaders of the user's, without tasks, records and files."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from numbers import Integral
from typing import Any

import torch
from torch import nn

from da.config.choices import OWN, Precision
from da.config.label_columns import LabelColumns
from da.config.label_shift import LabelShift
from da.config.transforms import Transforms
from da.data.batch import Batch
from da.data.own_loaders import pair_loaders
from da.methods import Method, Settings
from da.models.accumulation import pass_in_parts
from da.models.finetuning import hold_stages, release_stage
from da.models.lora import add_lora, merge_lora
from da.models.own_backbone import OwnBackbone, count_features
from da.runs.run import Run
from da.training import engine
from da.training.device import find_device
from da.training.failures import OnEvaluation, explain_failures, pass_errors_on
from da.training.formats import choose_formats, set_formats
from da.training.lr_schedule import lr_factor
from da.training.optimizers import backbone_options, build_optimizer
from da.training.threads import run_threads

OF_TASKS = (
    *("init", "test", "side", "skip_bad", "fit", "augment", "views", "features", "unit_features"),
    *("sparsity", "structured", "keep_hidden", "mean", "std", "interpolation", "crop_pct", "batch"),
    *("cuda_graph", "chosen_by", "patience", "begins_with", "target_images"),
)
"""Settings of how a task's images are read and a run is evaluated, which loaders do not know."""


def fit(
    method: Settings,
    source_loader: Iterable[Any],
    target_loader: Iterable[Any],
    *,
    backbone: nn.Module,
    classes: int,
    steps: int = 500,
    device: str = "auto",
    on_evaluation: OnEvaluation | None = None,
    **settings: Any,
) -> Method:
    """Train a module on two loaders by a method, and return it; its `predict` gives logits.

    The module is trained in place, on images as the loaders give them. A loader that ends is read
    again, and a short last batch is joined with the next images, so that none is lost; with
    `drop_last=True` a DataLoader skips it. Labels of the target are not looked at.

    Args:
        method: Settings of the method, such as `da.methods.DANN()`.
        source_loader: Loader of pairs of images and class numbers.
        target_loader: Loader of images, alone or first in a tuple.
        backbone: Module from a batch to features `b d`, or to `b d h w`, which is averaged.
        classes: Number of classes.
        steps: Number of training steps.
        device: Name of the device: auto, cpu, cuda or the like.
        on_evaluation: Function that gets `step` and each `loss/NAME`, in a dictionary, every
            `eval_every` steps and at the end. An error that it raises ends the training.
        settings: Other settings of `da.Run`, such as `lr`, `optimizer`, `network` and `seed`.

    Raises:
        ValueError: If the method needs more than two loaders, or a loader or setting is wrong.
    """
    check_arguments(method, backbone, classes)
    if method.owner.overrides("prepare"):
        raise ValueError(f"{method.owner.name} looks at all images first: give them to da.Task")
    if settings.get("labels", LabelColumns()) != LabelColumns():
        raise ValueError("loaders give one label an image: label_columns need da.Task")
    if settings.get("shift", LabelShift()) != LabelShift():
        raise ValueError("label_shift and balance_every look at all images: give them to da.Task")
    if not settings.get("hold_out", True):
        raise ValueError("loaders hold out no image: leave hold_out out")
    if settings.get("transforms", Transforms()) != Transforms():
        raise ValueError("transforms are of images as da reads them: do them in your loaders")
    run = Run(method, f"{OWN}loaders", regime="full", steps=steps, **settings)
    check_settings(run)
    sides, told = (source_loader, target_loader), pass_errors_on(on_evaluation)
    return _fit(run, sides, backbone, classes, device, told)


def check_arguments(method: Any, backbone: Any, classes: Any) -> None:
    """Refuse names of methods and networks, and what is no number of classes.

    Raises:
        ValueError: If one is of another kind.
    """
    if not isinstance(method, Settings):
        raise ValueError(f"method is settings such as da.methods.DANN(), not {method!r}")
    if not isinstance(backbone, nn.Module):
        raise ValueError(f"backbone is a module of torch, not {backbone!r}: names need da.Task")
    if not isinstance(classes, Integral) or classes < 2:
        raise ValueError(f"classes is a number of 2 or more, not {classes!r}")


def check_settings(run: Run) -> None:
    """Refuse settings that mean nothing where loaders give the images.

    Raises:
        ValueError: If one is not as usual.
    """
    given = run.settings()
    usual = Run(run.method, run.task, regime="full").settings()
    if changed := [name for name in OF_TASKS if given[name] != usual[name]]:
        raise ValueError(f"{changed[0]} does nothing with loaders: leave it out, or use da.Task")


@explain_failures
def _fit(
    run: Run,
    sides: tuple[Iterable[Any], Iterable[Any]],
    module: nn.Module,
    classes: int,
    device: str,
    told: OnEvaluation,
) -> Method:
    place = find_device(device)
    batches = pair_loaders(*sides, place, classes)
    first = next(batches)
    torch.manual_seed(run.seed)
    own = _wrap(module.to(place), first)
    if run.tuning.moves == "lora":
        add_lora(own, run.tuning.lora_rank)
    with run_threads(run):
        run = replace(run, batch=len(first.source.y))
        formats = choose_formats(run, own, first.source.x[:2])
        method = run.method.build(own, classes, run.network).to(place)
        set_formats(method, own, formats)
        train_method(run, method, chain([first], batches), formats.precision, told)
    return method.eval()


def train_method(
    run: Run,
    method: Method,
    batches: Iterator[Batch],
    precision: Precision,
    told: OnEvaluation = lambda point: None,
) -> None:
    """Train a method on batches, as the settings of a run say.

    Args:
        run: Settings of the training.
        method: Method to train, which has seen its images if it looks at all of them.
        batches: At least one batch for each step.
        precision: Number format of the forward pass.
        told: Function that gets the step and its losses every `eval_every` steps and at the end.
    """
    hold_stages(run.tuning, method.backbone)
    if run.optimization.accumulate > 1:
        pass_in_parts(method.backbone, run.optimization.accumulate)
    optimizer, options = build_optimizer(run, method), backbone_options(run)
    steps = engine.fit(
        method,
        batches,
        optimizer,
        run.steps,
        run.eval_every,
        rate=lr_factor(run, run.steps),
        before=lambda step: release_stage(run.tuning, method.backbone, step, optimizer, options),
        precision=precision,
    )
    for step, losses in steps:
        told({"step": step} | {f"loss/{name}": loss.item() for name, loss in losses.items()})
    merge_lora(method)


def _wrap(module: nn.Module, batch: Batch) -> OwnBackbone:
    """Return a module as a backbone, whose width a pass of two images finds.

    Raises:
        ValueError: If it does not give features of images.
    """
    own = OwnBackbone(module).to(batch.source.x.device)
    try:
        own.width = count_features(own, batch.source.x[:2])
    except ValueError as error:
        raise ValueError(f"backbone is no module from images to features: {error}") from error
    return own
