"""One run, start to finish: the package in the order that data flows through it."""

import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple

import torch
from torch.optim import Optimizer
from tqdm import tqdm

from da.data import loaders
from da.data.batch import Batch, TargetBatch
from da.evaluation import diagnostics, predictions, selectors
from da.methods import Losses, Method
from da.models import checkpoints, pruning
from da.ops.matmul import mkl_is_slow
from da.ops.random import default_generator
from da.results import health
from da.results.records import Point, Record
from da.runs.run import Run
from da.system.environment import environment, peak_memory
from da.training import engine
from da.training.early_stopping import Best
from da.training.optimizers import SGD, AdamW
from da.training.setup import Parts, assemble, threads

TOLD = {
    "step": ("step", ".0f"),
    "target_accuracy": ("target %", ".1f"),
    "target_accuracy/online": ("online %", ".1f"),
    "source_accuracy": ("source %", ".1f"),
    "infomax": ("infomax", ".3f"),
}
"""Head and format of what is told of each look while training, beside losses."""


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


def images(run: Run, parts: Parts, steps: int) -> int:
    """How many images `steps` steps of `run` take together, a repeated one each time."""
    if parts.method.streams:
        return min(steps * run.batch, len(parts.task.target_test))
    return (1 if parts.method.source_free else 2) * run.batch * steps


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


def steps(run: Run, parts: Parts) -> int:
    """How many training steps `run` takes: no more than a stream has batches."""
    if parts.method.streams:
        return min(run.steps, -(-len(parts.task.target_test) // run.batch))
    return run.steps


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
            _tell(run, curve, numbers=not bar)
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


def rate(run: Run, steps: int) -> engine.Rate:
    """The course of the learning rate over the `steps` of `run`."""
    return lambda step: run.tuning.rate(step, steps, run.schedule)


def _tell(run: Run, curve: list[Point], *, numbers: bool) -> None:
    """The last look's numbers, and on stderr what it is the first to warn of."""
    if numbers:
        print(*_lines(curve), sep="\n")
    for warning in health.new(curve, run.settings()):
        tqdm.write(f"warning at step {curve[-1]['step']}: {warning}", file=sys.stderr)


def _lines(curve: list[Point]) -> list[str]:
    """The last look, beneath heads where the look before it has other numbers or there is none."""
    told = _columns(curve[-1])
    widths = [max(8, len(head)) for head, _ in told.values()]
    rows = [[format(curve[-1][key], form) for key, (_, form) in told.items()]]
    if len(curve) == 1 or told.keys() != _columns(curve[-2]).keys():
        rows.insert(0, [head for head, _ in told.values()])
    return ["  ".join(map(str.rjust, row, widths)) for row in rows]


def _columns(point: Point) -> dict[str, tuple[str, str]]:
    """Those of `TOLD` that a look has, and its losses."""
    losses = {key: (key.replace("/", " "), ".4g") for key in point if key.startswith("loss/")}
    return {key: column for key, column in (TOLD | losses).items() if key in point}


def batches(run: Run, parts: Parts) -> Iterator[Batch | TargetBatch]:
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


def look(run: Run, parts: Parts, step: int, losses: dict[str, float]) -> Point:
    """How the method stands after `step`: accuracy, the selectors' scores, losses, diagnosis.

    It is diagnosed on the same batch each time, the first. Raises DivergedError where what it
    predicts is not finite.
    """
    seen = predictions.predict(parts.method, parts.task, device=parts.device)
    if not seen.target_logits.softmax(1).isfinite().all():
        raise engine.DivergedError(
            f"predictions are not finite after step {step}: likely a gradient of it, or a weight "
            "after it, was not"
        )
    right = predictions.accuracy(seen.target_logits, parts.task.target_test.y)
    scores = {name: score(seen) for name, score in selectors.SELECTORS.items()}
    if parts.method.streams:
        y = parts.task.target_test.y
        scores["target_accuracy/online"] = predictions.online_accuracy(
            parts.method.get_buffer("online"), y
        )
    predicted = diagnostics.predicted(seen, parts.task.classes)
    progress = (step - 1) / steps(run, parts)
    found = diagnostics.diagnose(parts.method, next(batches(run, parts)), progress, run.precision)
    return (
        {"step": step, "target_accuracy": right}
        | scores
        | {f"loss/{name}": loss for name, loss in losses.items()}
        | {f"diagnosis/{name}": value for name, value in found.items()}
        | {f"predicted/{name}": count for name, count in predicted.items()}
    )


def optimizer(run: Run, method: Method) -> Optimizer:
    """The optimizer of all parameters of `method` that move, the backbone's at their own rate."""
    made = _optimizer(run, method)
    if run.sparsity and not run.structured:
        pruning.keep_zeros(made, pruning.prunable(method.backbone, method.neck))
    return made


def _optimizer(run: Run, method: Method) -> Optimizer:
    groups = run.tuning.groups(method, run.lr, run.lr * run.backbone_lr)
    if run.optimizer == "sgd":
        return SGD(groups, run.lr, run.momentum, weight_decay=run.weight_decay, fused=True)
    betas = (float(run.momentum), 0.999)  # of one type, and a whole number is a setting too
    return AdamW(groups, run.lr, betas, weight_decay=run.weight_decay, fused=True)
