"""One run, start to finish."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple

import torch
from tqdm import tqdm

from da.data.batch import Batch, TargetBatch
from da.methods import Losses
from da.models import checkpoints
from da.ops.matmul import mkl_is_slow
from da.ops.random import default_generator
from da.results.records import Point, Record
from da.runs.run import Run
from da.system.environment import environment, peak_memory
from da.training import engine
from da.training.early_stopping import Best
from da.training.evaluate import look
from da.training.optimizers import optimizer, rate
from da.training.progress import report
from da.training.setup import Parts, assemble, batches, images, steps, threads


def train(run: Run, *, device: str = "auto", keep: bool = False, quiet: bool = False) -> Record:
    """Carry out `run` and report it.

    `device` is auto, cpu, cuda or the like. `keep` stores the weights, for runs that begin with
    them; `quiet` shows no progress.
    """
    start = time.perf_counter()
    parts = assemble(run, device)
    curve, seconds = fit(run, parts, quiet=quiet)
    if keep:
        keep_weights(run, parts)
    speed = images(run, parts, int(curve[-1]["step"])) / seconds
    return record(run, parts, curve, time.perf_counter() - start, speed)


def keep_weights(run: Run, parts: Parts) -> None:
    """Store the weights that `run` ended with, and what its network needs to be used alone."""
    classes = parts.task.classes
    resize = astuple(parts.task.target_test.resize)
    about = checkpoints.About(run.init, classes, resize, parts.stored_side, run.settings())
    checkpoints.save(run.id, parts.method.state_dict(), about)


def record(
    run: Run, parts: Parts, curve: list[Point], seconds: float, images_per_second: float
) -> Record:
    """What came of a run, on this machine."""
    on_gpu = parts.device.type == "cuda"
    with threads(run):
        computed = {
            "device": torch.cuda.get_device_name(parts.device) if on_gpu else "cpu",
            "instructions": torch.backends.cpu.get_cpu_capability(),
            "products": "oneDNN" if mkl_is_slow() else "MKL",
            "threads": str(torch.get_num_threads()),
        }
    return Record(
        run.id,
        run.settings(),
        curve,
        seconds,
        images_per_second,
        peak_memory=torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory(),
        environment=environment() | computed,
    )


def fit(
    run: Run,
    parts: Parts,
    *,
    quiet: bool = False,
    then: Callable[[int, dict[str, float]], None] = lambda step, losses: None,
) -> tuple[list[Point], float]:
    """Train `parts.method`: every look, and the seconds spent between looks.

    `then` is called after each look with its step and its losses.
    """
    with threads(run):
        return _fit(run, parts, quiet, then)


def _fit(
    run: Run, parts: Parts, quiet: bool, then: Callable[[int, dict[str, float]], None]
) -> tuple[list[Point], float]:
    default_generator(parts.device).set_state(parts.generator.get_state())
    bar = sys.stderr.isatty() and not quiet
    shown = tqdm(
        batches(run, parts),
        f"{run.method.owner.name} {run.task}",
        steps(run, parts),
        leave=False,
        disable=not bar,
    )
    curve: list[Point] = []
    best = Best(run.tuning)
    seconds, since = 0.0, time.perf_counter()
    for step, losses in _steps(run, parts, iter(shown)):
        seconds += time.perf_counter() - since
        values = {name: loss.item() for name, loss in losses.items()}
        curve.append(look(run, parts, step, values))
        then(step, values)
        if not quiet:
            report(run, curve, numbers=not bar)
        best.see(curve[-1], parts.method)
        if best.over():
            break
        since = time.perf_counter()
    best.restore(parts.method)
    return curve, seconds


def _steps(
    run: Run, parts: Parts, batches: Iterator[Batch | TargetBatch]
) -> Iterator[tuple[int, Losses]]:
    moving = optimizer(run, parts.method)
    top = run.lr * run.backbone_lr
    return engine.fit(
        parts.method,
        batches,
        moving,
        steps(run, parts),
        run.look_every,
        rate=rate(run, steps(run, parts)),
        before=lambda step: run.tuning.release(parts.method.backbone, step, moving, top),
        precision=run.precision,
    )
