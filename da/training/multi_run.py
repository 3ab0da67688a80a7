"""Train several runs at once, in stacked steps or as one training evaluated on several targets."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from da.config.label_shift import LabelShift
from da.config.task_name import TaskName
from da.results.records import Point, Record
from da.results.tracking import Tracking
from da.runs.run import Run
from da.training import engine
from da.training.checkpoints.resumption import Checkpoints, open_checkpoints
from da.training.cuda_graph import captured_step
from da.training.evaluate import evaluate
from da.training.failures import OnEvaluation
from da.training.follow import Follower
from da.training.lr_schedule import lr_factor
from da.training.optimizers import build_optimizer
from da.training.outputs import Outputs, keep_outputs, store_outputs
from da.training.setup import Parts, assemble, count_images, run_batches
from da.training.threads import run_threads
from da.training.train import build_record, check_room, fit, save_with_weights
from da.training.vmap import Group, stack_batches

Ended = tuple[Run, Record | Exception]
"""A run, and its record or the error that ended it."""

Training = dict[Run, Parts]
"""Runs that are one training: the first is trained, and each is evaluated on its own target."""


def training_key(run: Run) -> str:
    """Return a key that is equal for runs that are one training.

    These are runs of a blind method, which never sees the target, on one source.
    """
    if not run.method.owner.blind or run.tuning.chosen_by != "last" or run.shift != LabelShift():
        return run.id
    name = TaskName.parse(run.task)
    same = name.target and not name.few
    seen = f"{name.benchmark}:{name.source}{name.data_end}" if same else run.task
    return json.dumps(run.settings() | {"task": seen}, sort_keys=True)


def sharing_key(run: Run) -> str | None:
    """Return a key that is equal for runs that can share their steps; None if `run` cannot.

    Such runs have one method, use frozen features of one benchmark, and end with the weights of
    their last evaluation. They learn their class alone, as if its frequencies had not shifted, and
    differ only in task, seed and the method's batchable settings.
    """
    batchable = run.method.owner.batchable
    if run.regime != "frozen" or batchable is None or run.tuning.chosen_by != "last":
        return None
    if not run.method.trains:
        return None
    if run.labels.further or run.shift != LabelShift():
        return None
    if not run.tuning.decay_norms:  # stacked vectors look like matrices
        return None
    free = {"task", "seed", *(f"hp.{name}" for name in batchable)}
    shared = {name: value for name, value in run.settings().items() if name not in free}
    name = TaskName.parse(run.task)
    shots = name.few if name.target else 0
    return json.dumps([name.benchmark, shots or 0, len(name.sources), shared], sort_keys=True)


def train_together(
    runs: Sequence[Run],
    *,
    device: str = "auto",
    save_weights: Sequence[Run] = (),
    share_steps: bool = False,
    outputs: Outputs = "none",
    results: Path = Path("results"),
    tracking: Mapping[Run, Tracking] = {},
    checkpoint_minutes: float = 0,
) -> Iterator[Ended]:
    """Train runs of one kind; yield the record of each, or the error that ended it.

    An error ends only its own run, or all runs that are one training with it.

    Args:
        runs: Runs whose `sharing_key` or `training_key` is equal.
        device: Name of the device: auto, cpu, cuda or the like.
        save_weights: Runs whose records and weights are stored, in this order.
        share_steps: Whether runs of one shape take their steps together. Their records say so, and
            differ by rounding from those of runs that train alone.
        outputs: Evaluations whose outputs are stored; see `train`.
        results: Folder of the records, weights and outputs.
        tracking: How runs are shown while they train; those without it are not shown.
        checkpoint_minutes: Minutes between checkpoints of a training, which the caller removes once
            it has stored the record; 0 for none. Runs that share their steps make none.
    """
    start = time.perf_counter()
    parts: dict[Run, Parts] = {}
    for run in runs:
        try:
            part = assemble(run, device, results)
            if run in save_weights:
                check_room(run, part, results)
            keep_outputs(run, part, outputs, results)
            parts[run] = part
        except Exception as error:
            yield run, error
    preparing = (time.perf_counter() - start) / len(runs)
    trainings = _trainings(parts)
    joined = {run: part for one in trainings for run, part in one.items()}
    groups = _of_one_shape(trainings) if share_steps else [[one] for one in trainings]
    for some in groups:
        with ExitStack() as shown:
            curves = {run: list[Point]() for run in some[0]}
            checkpoints = _open_checkpoints(some, curves, results, checkpoint_minutes)
            begun = checkpoints.begun if checkpoints else None
            told = {
                run: shown.enter_context(
                    Follower(run, joined[run], results, tracking.get(run), begun)
                )
                for one in some
                for run in one
            }
            ended = (
                _fit(some, preparing, told)
                if len(some) > 1
                else _fit_alone(some[0], curves, preparing, told, checkpoints)
            )
            for run, end in ended:
                end = _saved(run, joined[run], end, results, run in save_weights)
                told[run].record = end if isinstance(end, Record) else None
                yield run, end


def _saved(
    run: Run, part: Parts, end: Record | Exception, results: Path, weights: bool
) -> Record | Exception:
    """Store outputs, and record and weights; return the record, or the error that ended the run."""
    if isinstance(end, Record):
        try:
            end = store_outputs(end, part, results)
            if weights:
                save_with_weights(end, run, part, results)
        except OSError as error:
            return error
    return end


def _trainings(parts: dict[Run, Parts]) -> list[Training]:
    """Join runs that are one training: they share its method and its source from here on."""
    found: dict[str, list[Training]] = {}
    for run, part in parts.items():
        some = found.setdefault(training_key(run), [])
        for one in some:
            _, first = _first(one)
            if _begin_alike(part, first):
                one[run] = _joined(part, first)
                break
        else:
            some.append({run: part})
    return [one for some in found.values() for one in some]


def _first(one: Training) -> tuple[Run, Parts]:
    """Return the run that is trained."""
    return next(iter(one.items()))


def _begin_alike(a: Parts, b: Parts) -> bool:
    """Return whether source, weights and future random numbers are the same."""
    pairs = [
        (a.task.source_train.rows, b.task.source_train.rows),
        (a.task.source_train.y, b.task.source_train.y),
        (a.generator.get_state(), b.generator.get_state()),
        *zip(a.method.state_dict().values(), b.method.state_dict().values(), strict=True),
    ]
    return a.task.classes == b.task.classes and all(x.equal(y) for x, y in pairs)


def _joined(part: Parts, first: Parts) -> Parts:
    """Return `part` with the method and the source of `first`."""
    source = first.task
    task = replace(part.task, source_train=source.source_train, source_test=source.source_test)
    return replace(part, method=first.method, task=task)


def _of_one_shape(trainings: list[Training]) -> list[list[Training]]:
    """Group trainings that can share their steps; one that cannot is a group of its own."""
    alike: dict[object, list[Training]] = {}
    for one in trainings:
        run, part = _first(one)
        shapes = tuple((name, x.shape) for name, x in part.method.state_dict().items())
        alike.setdefault(run if sharing_key(run) is None else shapes, []).append(one)
    return list(alike.values())


def _open_checkpoints(
    some: list[Training], curves: Mapping[Run, list[Point]], results: Path, minutes: float
) -> Checkpoints | None:
    """Return the checkpoints of a training, whose curves go on; None where several share steps."""
    if len(some) > 1:
        return None
    (one,) = some
    first, *others = one
    also = {run: (one[run], curves[run]) for run in others}
    return open_checkpoints(first, one[first], results, minutes, others=also)


def _fit_alone(
    one: Training,
    curves: dict[Run, list[Point]],
    preparing: float,
    told: Mapping[Run, OnEvaluation],
    checkpoints: Checkpoints | None,
) -> Iterator[Ended]:
    start = time.perf_counter()
    first, *others = one

    def evaluate_others(point: Point) -> None:
        told[first](point)
        names = [name for name in point if name.startswith("loss/")]
        losses = {name.removeprefix("loss/"): point[name] for name in names}
        for run in others:
            curves[run].append(evaluate(run, one[run], int(point["step"]), losses))
            told[run](curves[run][-1])

    try:
        curves[first], seconds = fit(
            first,
            one[first],
            quiet=True,
            on_evaluation=evaluate_others,
            checkpoints=checkpoints,
        )
    except Exception as error:
        yield from ((run, error) for run in one)
        return
    speed = count_images(first, one[first], int(curves[first][-1]["step"])) / seconds
    share = preparing + (time.perf_counter() - start) / len(one)
    for run, part in one.items():
        record = build_record(run, part, curves[run], share, speed)
        yield run, checkpoints.complete(record) if checkpoints else record


def _fit(
    trainings: list[Training], preparing: float, told: Mapping[Run, OnEvaluation]
) -> Iterator[Ended]:
    """Train all `trainings`, of one shape, and yield the record or error of each run."""
    firsts = [_first(one) for one in trainings]
    (run, part), start, evaluating = firsts[0], time.perf_counter(), 0.0
    group = Group([part.method for _, part in firsts], [part.generator for _, part in firsts])
    curves: dict[Run, list[Point]] = {run: [] for one in trainings for run in one}
    failed: dict[int, str] = {}
    optimizer = build_optimizer(run, group.together)
    steps = engine.fit(
        group,
        map(stack_batches, zip(*(run_batches(*first) for first in firsts), strict=True)),
        optimizer,
        run.steps,
        run.eval_every,
        rate=lr_factor(run, run.steps),
        precision=part.formats.precision,
        take=captured_step(group, optimizer, part.formats.precision) if run.cuda_graph else None,
        failed=failed,
    )
    with run_threads(run):
        for step, losses in steps:
            since = time.perf_counter()
            each = zip(*(loss.tolist() for loss in losses.values()), strict=True)
            for i, values in enumerate(each):
                if i in failed:
                    continue
                own = dict(zip(losses, values, strict=True))
                try:
                    for one, part in trainings[i].items():
                        curves[one].append(evaluate(one, part, step, own))
                        told[one](curves[one][-1])
                except engine.DivergedError as error:
                    failed[i] = str(error)
            evaluating += time.perf_counter() - since
    seconds = time.perf_counter() - start
    speed = (
        (1 + run.optimization.target_images)
        * run.batch
        * run.steps
        * len(trainings)
        / (seconds - evaluating)
    )
    share = preparing + seconds / len(curves)
    for i, twins in enumerate(trainings):
        for one, part in twins.items():
            if i in failed:
                yield one, engine.DivergedError(failed[i])
            else:
                ended = build_record(one, part, curves[one], share, speed)
                about = {"shared_steps": f"{len(trainings)} trainings"}
                yield one, replace(ended, environment=ended.environment | about)
