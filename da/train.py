"""One run, start to finish: the package in the order that data flows through it."""

import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.optim import SGD, AdamW, Optimizer
from tqdm import tqdm

from da import backbones, domains, evaluate, features, loaders, selection, trainer
from da.batch import Batch
from da.domains import Task
from da.environment import environment, peak_memory
from da.home import whole
from da.methods import Losses, Method
from da.records import Point, Record
from da.run import Run


@dataclass(frozen=True)
class Parts:
    """What a run is made of, before its first step."""

    task: Task
    method: Method
    side: int
    device: torch.device


def train(run: Run, *, device: str = "auto", keep: bool = False, quiet: bool = False) -> Record:
    """Carry out `run` and report it.

    `device` is auto, cpu, cuda or the like. `keep` stores the weights, for runs that begin with
    them; `quiet` shows no progress.
    """
    start = time.perf_counter()
    parts = assemble(run, device)
    curve, seconds = fit(run, parts, quiet=quiet)
    if keep:
        with whole(backbones.weights_file(run.id)) as file:
            torch.save(parts.method.state_dict(), file)
    on_gpu = parts.device.type == "cuda"
    name = torch.cuda.get_device_name(parts.device) if on_gpu else "cpu"
    return Record(
        run.id,
        run.settings(),
        curve,
        seconds=time.perf_counter() - start,
        images_per_second=2 * run.batch * run.steps / seconds,
        peak_memory=torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory(),
        environment=environment() | {"device": name},
    )


def assemble(run: Run, device: str = "auto") -> Parts:
    """Data and untrained method of `run`; raises ValueError for what cannot be had."""
    place = _device(device)
    source, target = domains.open_pair(run.task)
    side = run.side or min(source.x.shape[1], 224)
    torch.manual_seed(run.seed)
    if run.regime == "frozen":
        frozen = _frozen(run.backbone, run.init)
        source, target = (features.extract(d, frozen, side, place) for d in (source, target))
        backbone: nn.Module = backbones.Features(source.x.shape[1])
    else:
        backbone = backbones.build(run.backbone, run.init)
        if isinstance(backbone, backbones.Backbone) and not run.channels_last:
            backbone.layout = torch.contiguous_format
    source, target = (loaders.resident(d, place) for d in (source, target))
    task = domains.build(run.task, source, target)
    method = run.method.build(backbone, len(task.classes), run.network).to(place)
    if run.channels_last:
        method.to(memory_format=torch.channels_last)
    method.prepare(task.source_train, task.target_train)
    return Parts(task, method, side, place)


def fit(run: Run, parts: Parts, *, quiet: bool = False) -> tuple[list[Point], float]:
    """Train `parts.method`: every look, and the seconds spent between looks."""
    bar = sys.stderr.isatty() and not quiet
    batches: Iterable[Batch] = loaders.batches(
        parts.task,
        run.batch,
        run.seed,
        side=parts.side,
        augment=run.augment,
        device=parts.device,
    )
    batches = tqdm(
        batches, f"{run.method.owner.name} {run.task}", run.steps, False, disable=not bar
    )
    curve: list[Point] = []
    seconds, since = 0.0, time.perf_counter()
    for step, losses in trainer.fit(
        parts.method,
        iter(batches),
        optimizer(run, parts.method),
        run.steps,
        run.look_every,
        schedule=run.schedule,
        precision=run.precision,
    ):
        seconds += time.perf_counter() - since
        curve.append(look(parts, step, losses))
        if not bar and not quiet:
            print("  ".join(f"{name} {value:.4g}" for name, value in curve[-1].items()))
        since = time.perf_counter()
    return curve, seconds


def look(parts: Parts, step: int, losses: Losses) -> Point:
    """How the method stands after `step`: accuracy, the selectors' scores, losses."""
    seen = evaluate.predict(parts.method, parts.task, side=parts.side, device=parts.device)
    right = evaluate.accuracy(seen.target_logits, parts.task.target_test.y)
    scores = {name: score(seen) for name, score in selection.SELECTORS.items()}
    return (
        {"step": step, "target_accuracy": right}
        | scores
        | {f"loss/{name}": loss.item() for name, loss in losses.items()}
    )


def optimizer(run: Run, method: Method) -> Optimizer:
    """The optimizer of all parameters of `method`, the backbone's at their own rate."""
    backbone = list(method.backbone.parameters())
    ours = {id(p) for p in backbone}
    rest = [p for p in method.parameters() if id(p) not in ours]
    groups: list[dict[str, Any]] = [{"params": rest}]
    if backbone:
        groups.append({"params": backbone, "lr": run.lr * run.backbone_lr})
    if run.optimizer == "sgd":
        return SGD(groups, run.lr, run.momentum, weight_decay=run.weight_decay, fused=True)
    betas = (run.momentum, 0.999)
    return AdamW(groups, run.lr, betas, weight_decay=run.weight_decay, fused=True)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        return torch.empty(0, device=name).device
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(f"no device {name!r}, known: auto, cpu, cuda ({reason})") from error


@lru_cache(maxsize=2)
def _frozen(name: str, init: str) -> nn.Module:
    """A backbone for many runs; making it draws no random number from those of the run."""
    with torch.random.fork_rng():
        return backbones.build(name, init).eval().requires_grad_(False)
