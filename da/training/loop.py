"""A bare training loop over two loaders of the user's, without tasks, records and files."""

from collections.abc import Callable, Iterable
from itertools import chain
from typing import Any

import torch
from torch import nn

from da.data.batch import Batch
from da.data.own_loaders import pair_loaders
from da.methods import Method, Settings
from da.models.finetuning import hold_stages, release_stage
from da.models.lora import add_lora, merge_lora
from da.models.own_backbone import OwnBackbone
from da.runs.run import Run
from da.training import engine
from da.training.failures import explain_failures
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from da.training.setup import find_device

Then = Callable[[int, dict[str, float]], None]
"""Function of a step, counted from 1, and its losses."""


def fit(
    method: Settings,
    source_loader: Iterable[Any],
    target_loader: Iterable[Any],
    *,
    backbone: nn.Module,
    classes: int,
    steps: int = 500,
    device: str = "auto",
    then: Then = lambda step, losses: None,
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
        then: Function called with the step and its losses, each `eval_every` steps and at the end.
        settings: Other settings of `da.Run`, such as `lr`, `optimizer`, `network` and `seed`.

    Raises:
        ValueError: If the method needs more than two loaders, or a loader or setting is wrong.
    """
    if method.owner.overrides("prepare"):
        raise ValueError(f"{method.owner.name} looks at all images first: give them to da.Task")
    run = Run(method, "python:loaders", regime="full", steps=steps, **settings)
    return _fit(run, (source_loader, target_loader), backbone, classes, device, then)


@explain_failures
def _fit(
    run: Run,
    sides: tuple[Iterable[Any], Iterable[Any]],
    module: nn.Module,
    classes: int,
    device: str,
    then: Then,
) -> Method:
    place = find_device(device)
    batches = pair_loaders(*sides, place)
    first = next(batches)
    torch.manual_seed(run.seed)
    own = _wrap(module.to(place), first)
    if run.tuning.moves == "lora":
        add_lora(own, run.tuning.lora_rank)
    method = run.method.build(own, classes, run.network).to(place)
    if run.channels_last:
        method.to(memory_format=torch.channels_last)
    hold_stages(run.tuning, method.backbone)
    optimizer, top = build_optimizer(run, method), run.lr * run.backbone_lr
    steps = engine.fit(
        method,
        chain([first], batches),
        optimizer,
        run.steps,
        run.eval_every,
        rate=lr_factor(run, run.steps),
        before=lambda step: release_stage(run.tuning, method.backbone, step, optimizer, top),
        precision=run.precision,
    )
    for step, losses in steps:
        then(step, {name: loss.item() for name, loss in losses.items()})
    merge_lora(method)
    return method.eval()


def _wrap(module: nn.Module, batch: Batch) -> OwnBackbone:
    """Return a module as a backbone, whose width a pass of two images finds.

    Raises:
        ValueError: If it does not give features of images.
    """
    own, training = OwnBackbone(module).to(batch.source.x.device), module.training
    few = batch.source.x[:2]
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        shape = own.eval()(few).shape
    if len(shape) != 2 or shape[0] != len(few):
        raise ValueError(f"backbone gives {tuple(shape)} of 2 images, known: b d, or b d h w")
    own.width = shape[1]
    own.train(training)
    return own
