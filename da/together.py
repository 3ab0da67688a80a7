"""Runs that train together: which can, and how."""

import json
import time
from collections.abc import Iterator, Sequence

from da import trainer
from da.assemble import Parts, assemble
from da.group import Group, stacked
from da.published import split_task
from da.records import Point, Record
from da.run import Run
from da.train import (
    batches,
    fit,
    images,
    keep_weights,
    look,
    optimizer,
    rate,
    record,
    threads,
)

Ended = tuple[Run, Record | Exception]

SMALL = 2**16
"""Weights of a method up to which runs share steps on a CPU. Those of larger ones would leave the
caches before they are needed again, and stepping run by run is faster.
"""


def kind(run: Run) -> str | None:
    """The same for runs that can train together; None for one that trains alone.

    They are of one method, on frozen features of one benchmark, end with their last look's weights,
    and differ in nothing but task, seed and the method's batchable settings.
    """
    batchable = run.method.owner.batchable
    if run.regime != "frozen" or batchable is None or run.tuning.kept != "last":
        return None
    free = {"task", "seed", *(f"hp.{name}" for name in batchable)}
    shared = {name: value for name, value in run.settings().items() if name not in free}
    benchmark, _, target, k = split_task(run.task)
    return json.dumps([benchmark, k if target else 0, shared], sort_keys=True)


def train_together(
    runs: Sequence[Run], *, device: str = "auto", keep: Sequence[Run] = ()
) -> Iterator[Ended]:
    """Carry out runs of one kind and give the record of each, or the error that ended it alone.

    `keep` are those whose weights are stored. Runs whose shapes differ take turns, and on a CPU
    all whose networks are large.
    """
    start = time.perf_counter()
    parts: dict[Run, Parts] = {}
    for run in runs:
        try:
            parts[run] = assemble(run, device)
        except Exception as error:
            yield run, error
    preparing = (time.perf_counter() - start) / len(runs)
    for some in _sharing_steps(parts):
        ended = _fit(some, preparing) if len(some) > 1 else _fit_alone(*some.popitem(), preparing)
        for run, end in ended:
            if run in keep and isinstance(end, Record):
                keep_weights(run, parts[run])
            yield run, end


def _sharing_steps(parts: dict[Run, Parts]) -> list[dict[Run, Parts]]:
    """Runs of one shape together; on a CPU only small ones."""
    alike: dict[object, dict[Run, Parts]] = {}
    for run, part in parts.items():
        size = sum(weight.numel() for weight in part.method.parameters())
        shapes = tuple((name, x.shape) for name, x in part.method.state_dict().items())
        alone = part.device.type == "cpu" and size > SMALL
        alike.setdefault(run if alone else shapes, {})[run] = part
    return list(alike.values())


def _fit_alone(run: Run, part: Parts, preparing: float) -> Iterator[Ended]:
    start = time.perf_counter()
    try:
        with threads(run):
            curve, seconds = fit(run, part, quiet=True)
    except Exception as error:
        yield run, error
    else:
        speed = images(run, part, int(curve[-1]["step"])) / seconds
        yield run, record(run, part, curve, preparing + time.perf_counter() - start, speed)


def _fit(parts: dict[Run, Parts], preparing: float) -> Iterator[Ended]:
    """Train all of `parts`, of one shape, and give what became of each."""
    runs, start, looking = list(parts), time.perf_counter(), 0.0
    group = Group([p.method for p in parts.values()], [p.generator for p in parts.values()])
    curves: dict[Run, list[Point]] = {run: [] for run in runs}
    failed: dict[int, str] = {}
    steps = trainer.fit(
        group,
        map(stacked, zip(*(batches(run, part) for run, part in parts.items()), strict=True)),
        optimizer(runs[0], group.together),
        runs[0].steps,
        runs[0].look_every,
        rate=rate(runs[0], runs[0].steps),
        precision=runs[0].precision,
        failed=failed,
    )
    with threads(runs[0]):
        for step, losses in steps:
            since = time.perf_counter()
            each = zip(*(loss.tolist() for loss in losses.values()), strict=True)
            for i, values in enumerate(each):
                if i not in failed:
                    own = dict(zip(losses, values, strict=True))
                    curves[runs[i]].append(look(runs[i], parts[runs[i]], step, own))
            looking += time.perf_counter() - since
    seconds = time.perf_counter() - start
    speed = 2 * runs[0].batch * runs[0].steps * len(runs) / (seconds - looking)
    for i, run in enumerate(runs):
        if i in failed:
            yield run, trainer.DivergedError(failed[i])
        else:
            own_seconds = preparing + seconds / len(runs)
            yield run, record(run, parts[run], curves[run], own_seconds, speed)
