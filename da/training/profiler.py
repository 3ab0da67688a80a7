"""Measure where a run's time goes and how near it is to the machine's peak, and write a trace."""

import os
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, count, islice, starmap
from pathlib import Path

import torch
from torch.autograd.profiler import record_function
from torch.optim import Optimizer
from torch.profiler import ProfilerActivity
from torch.profiler import profile as recording

from da.config.choices import Precision
from da.data.batch import Batch, TargetBatch
from da.methods import Losses, Method, Phase
from da.methods.base import Trainable
from da.ops.functional import Scalar
from da.results.text_columns import align
from da.runs.run import Run
from da.system.cache import write_whole
from da.system.hardware import count_flops, measure_ceilings
from da.training import engine, evaluate, optimizers, setup
from da.training.setup import Parts, assemble
from da.training.threads import run_threads

STEP = "data", "forward", "backward", "optimizer", "trainer"
"""Parts of a training step; `trainer` is the time outside all others."""

WARM_UP, TRACED = 5, 3
"""Steps before timing starts, and steps in a trace."""


@dataclass(frozen=True)
class Profile:
    """Where the time of one run goes; times are in seconds."""

    run: Run
    start_up: float
    """Time to prepare images, backbone, features and method, and to take the first steps."""
    parts: dict[str, float]
    """Time of each part in `STEP`, timed one by one; on a GPU their sum exceeds `step`."""
    step: float
    """Time of a step as it is in a run."""
    evaluation: float
    """Time of an evaluation."""
    flops: int
    """Floating-point operations of matrix products and convolutions in a step, both passes."""
    peak: float
    """Most such operations that the machine does in a second, at the run's precision."""
    threads: int
    """CPU threads in steps and evaluations."""
    precision: Precision = "fp32"
    """Number format of the network's computations."""

    @property
    def images(self) -> float:
        """Source and target images per second, without evaluations."""
        return (1 + self.run.optimization.target_images) * self.run.batch / self.step

    @property
    def share_of_peak(self) -> float:
        """Share of the peak that a step reaches, from 0 to 1."""
        return self.flops / self.step / self.peak

    def seconds_by_part(self) -> dict[str, float]:
        """Estimate the seconds of the whole run by part."""
        scale = self.step / sum(self.parts.values())
        steps = {part: self.run.steps * scale * spent for part, spent in self.parts.items()}
        evaluations = -(-self.run.steps // self.run.eval_every)
        return {"start-up": self.start_up} | steps | {"evaluations": evaluations * self.evaluation}


class _Clock:
    """A clock that adds up the time in each part of a step; a part ends where the next begins."""

    def __init__(self, device: torch.device) -> None:
        self.on_gpu = device.type == "cuda"
        self.spent = dict.fromkeys(STEP, 0.0)
        self.part, self.since = "trainer", 0.0
        self.span = record_function(self.part)

    def begin(self, part: str) -> None:
        if self.on_gpu:
            torch.cuda.synchronize()
        now = time.perf_counter()
        if self.since:
            self.spent[self.part] += now - self.since
            self.span.__exit__(None, None, None)
        self.part, self.since = part, now
        self.span = record_function(part)
        self.span.__enter__()

    def stop(self) -> dict[str, float]:
        self.begin("trainer")
        self.span.__exit__(None, None, None)
        return self.spent


class _Clocked:
    """A method that tells the clock when forward and backward begin."""

    def __init__(self, method: Method, clock: _Clock) -> None:
        self.method, self.clock = method, clock

    def phases(self) -> Iterator[Phase]:
        for losses, updates in self.method.phases():

            def forward(batch: Batch | TargetBatch, progress: Scalar, losses=losses) -> Losses:
                self.clock.begin("forward")
                found = losses(batch, progress)
                self.clock.begin("backward")
                return found

            yield Phase(forward, updates)

    def after_step(self) -> None:
        self.method.after_step()


def profile_run(
    run: Run,
    trace: Path,
    *,
    steps: int = 30,
    device: str = "auto",
    results: Path = Path("results"),
) -> Profile:
    """Start `run` from scratch, time some steps, and write a trace of a few.

    Args:
        run: Settings of the run.
        trace: File for the trace, in Chrome's format.
        steps: Number of steps to time.
        device: Name of the device: auto, cpu, cuda or the like.
        results: Folder of the runs that it begins with.

    Raises:
        ValueError: Where the run's data, weights or device are not available.
    """
    start = time.perf_counter()
    parts = assemble(run, device, results)
    optimizer = optimizers.build_optimizer(run, parts.method)
    batches = chain.from_iterable(setup.run_batches(run, parts) for _ in count())  # streams end
    with run_threads(run):
        _fit(parts, parts.method, optimizer, batches, WARM_UP)
        start_up = time.perf_counter() - start
        step = _seconds(lambda: _fit(parts, parts.method, optimizer, batches, steps)) / steps
        spent = _clocked(parts, optimizer, batches, steps)
        evaluation = _seconds(lambda: evaluate.evaluate(run, parts, steps, {}))
        _trace(trace, lambda: _clocked(parts, optimizer, batches, TRACED), parts.device)
        peak = measure_ceilings(parts.device)
        work = partial(engine.train_step, parts.method, optimizer, next(batches), 0.5)
        return Profile(
            run,
            start_up,
            {part: seconds / steps for part, seconds in spent.items()},
            step,
            evaluation,
            count_flops(partial(work, parts.formats.precision)),
            peak.bf16 if parts.formats.precision == "bf16" else peak.fp32,
            torch.get_num_threads(),
            parts.formats.precision,
        )


def _trace(file: Path, work: Callable[[], object], device: torch.device) -> None:
    if device.type != "cuda":  # PyTorch would log the missing GPU as an error
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    activities = [ProfilerActivity.CPU, *[ProfilerActivity.CUDA] * (device.type == "cuda")]
    with recording(activities=activities) as recorded:
        work()
    with write_whole(file, "--out") as part:
        recorded.export_chrome_trace(str(part))


def first_run_per_method(runs: Sequence[Run]) -> list[Run]:
    """Return the first run of each method, in the order of `runs`."""
    return list({run.method.owner.name: run for run in reversed(runs)}.values())[::-1]


def render_profiles(profiles: Sequence[Profile]) -> str:
    """Render tables of a step's and a run's time, one row for each method, with notes below."""
    shares = [(profile, profile.seconds_by_part()) for profile in profiles]
    heads = ["ms of a step", *STEP, "step", "images/s", "GFLOP", "GFLOP/s", "of peak"]
    titles = ["share of a run", *shares[0][1], "seconds"]
    steps = align([heads, *map(_step, profiles)], left=1)
    runs = align([titles, *starmap(_run, shares)], left=1)
    return "\n\n".join(["\n".join(steps), "\n".join(runs), _about(profiles)])


def _step(profile: Profile) -> list[str]:
    return [
        _name(profile),
        *(f"{1e3 * seconds:.2f}" for seconds in [*profile.parts.values(), profile.step]),
        f"{profile.images:,.0f}",
        f"{profile.flops / 1e9:.3g}",
        f"{profile.flops / profile.step / 1e9:,.0f}",
        f"{profile.share_of_peak:.0%}",
    ]


def _run(profile: Profile, spent: dict[str, float]) -> list[str]:
    every = sum(spent.values())
    return [_name(profile), *(f"{each / every:.0%}" for each in spent.values()), f"{every:.1f}"]


def _about(profiles: Sequence[Profile]) -> str:
    """Describe the runs that were measured, and the machine's peak."""
    names: dict[str, list[str]] = {}
    for profile in profiles:
        run = profile.run
        target = run.batch * run.optimization.target_images
        size = f"{run.batch}+{target} images a step, {run.steps} steps, {profile.precision}"
        what = f"{run.task}, {run.backbone} {run.regime}, {size}"
        peak = f"peak {profile.peak / 1e9:,.0f} GFLOP/s with {profile.threads} CPU threads"
        names.setdefault(f"{what}, {peak}", []).append(_name(profile))
    lines = [f"{', '.join(methods)}: {what}" for what, methods in names.items()]
    lines.append("GFLOP and peak are of matrix products and convolutions, forward and backward")
    return "\n".join(textwrap.fill(line, 100, subsequent_indent="    ") for line in lines)


def _name(profile: Profile) -> str:
    return profile.run.method.owner.name


def _fit(
    parts: Parts,
    method: Trainable,
    optimizer: Optimizer,
    batches: Iterable[Batch | TargetBatch],
    steps: int,
) -> None:
    """Take `steps` steps as a run does, without any evaluation."""
    taken, precision = islice(batches, steps), parts.formats.precision
    evaluations = engine.fit(method, taken, optimizer, steps, steps, precision=precision)
    assert len(list(evaluations)) == 1


def _clocked(
    parts: Parts, optimizer: Optimizer, batches: Iterator[Batch | TargetBatch], steps: int
) -> dict[str, float]:
    """Measure the seconds that `steps` steps spend in each part."""
    clock = _Clock(parts.device)

    def timed() -> Iterator[Batch | TargetBatch]:
        for _ in range(steps):
            clock.begin("data")
            batch = next(batches)
            clock.begin("trainer")
            yield batch

    hooks = [
        optimizer.register_step_pre_hook(lambda *_: clock.begin("optimizer")),
        optimizer.register_step_post_hook(lambda *_: clock.begin("trainer")),
    ]
    _fit(parts, _Clocked(parts.method, clock), optimizer, timed(), steps)
    for hook in hooks:
        hook.remove()
    return clock.stop()


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
