"""Train one run from start to finish."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch.optim import Optimizer
from tqdm import tqdm

from da.config.registry import SELECTORS
from da.evaluation.source_confidence import measure_confidence
from da.methods import Losses
from da.models import saved_weights
from da.models.finetuning import release_stage
from da.models.lora import merge_lora
from da.models.network_info import NetworkInfo, hash_network
from da.ops.random import default_generator
from da.results import records
from da.results.records import Point, Record
from da.results.tracking import Tracking
from da.runs.run import Run
from da.system.cache import UnwritableError
from da.system.environment import peak_memory
from da.training import engine
from da.training.checkpoints.files import discard
from da.training.checkpoints.resumption import Checkpoints, Moving, open_checkpoints
from da.training.cuda_graph import captured_step
from da.training.data_parallel import divided_passes, is_divided
from da.training.early_stopping import BestWeights
from da.training.evaluate import evaluate
from da.training.failures import OnEvaluation, explain_failures, pass_errors_on
from da.training.follow import Follower, call_each
from da.training.lr_schedule import lr_factor
from da.training.optimizers import backbone_options, build_optimizer
from da.training.origin import describe_beginning, describe_machine
from da.training.outputs import Outputs, keep_outputs, store_outputs
from da.training.processes import check_divisible, is_first, take_from_first, wait_for_all
from da.training.progress import report
from da.training.resets import Beginning, reset_steps
from da.training.setup import Parts, assemble, count_images, count_steps, run_batches
from da.training.threads import run_threads


def train(
    run: Run,
    *,
    device: str = "auto",
    save_weights: bool = False,
    quiet: bool = False,
    results: str | Path = "results",
    outputs: Outputs = "none",
    on_evaluation: OnEvaluation | None = None,
    tracking: Tracking | None = None,
    checkpoint_minutes: float = 0,
    restart: bool = False,
) -> Record:
    """Train `run` and return its record.

    Args:
        run: Settings of the run.
        device: Name of the device: auto, cpu, cuda or the like; auto is a GPU if there is one.
        save_weights: Whether to store the record and the weights, for runs that begin with them.
        quiet: Whether to print no progress.
        results: Folder of the records, weights and outputs.
        outputs: Evaluations whose outputs are stored: all, last or none; auto is all on frozen
            features, and else last.
        on_evaluation: Function that gets each evaluation as it is made, a dictionary as in
            `Record.curve`. An error that it raises ends the run.
        tracking: How the run is shown while it trains, in a live file and at W&B; None for neither.
        checkpoint_minutes: Minutes between checkpoints, from which a training of the same settings
            that was interrupted goes on; 0 for none. Evaluations before that are not given again to
            `on_evaluation`. SIGTERM and SIGUSR1 make a checkpoint and end the process.
        restart: Whether to begin anew although there is a checkpoint.

    Raises:
        UnwritableError: If there is no place for weights or outputs; found before training, or else
            the record stays.
    """
    start, results = time.perf_counter(), Path(results)
    if is_divided():
        check_divisible(run)
    parts = assemble(run, device, results)
    if save_weights:
        check_room(run, parts, results)
    keep_outputs(run, parts, outputs, results)
    checkpoints = open_checkpoints(run, parts, results, checkpoint_minutes, restart=restart)
    begun = checkpoints.begun if checkpoints else None
    shown = tracking if is_first() else None
    with Follower(run, parts, results, shown, begun) as follower:
        told = call_each(follower, pass_errors_on(on_evaluation))
        quiet = quiet or not is_first()
        curve, seconds = fit(run, parts, quiet=quiet, on_evaluation=told, checkpoints=checkpoints)
        speed = count_images(run, parts, int(curve[-1]["step"])) / seconds
        record = build_record(run, parts, curve, time.perf_counter() - start, speed)
        record = checkpoints.complete(record) if checkpoints else record
        record = store_outputs(record, parts, results) if is_first() else record
        follower.record = record
    if save_weights and is_first():
        save_with_weights(record, run, parts, results)
    if checkpoints and is_first():
        discard(run.id, results)
    wait_for_all()
    return record


def check_room(run: Run, parts: Parts, results: Path) -> None:
    """Check that there is a place for the weights of `run`, before it trains.

    Raises:
        UnwritableError: If there is none.
    """
    saved_weights.check_room(run.id, parts.method.state_dict(), results)


def save_with_weights(record: Record, run: Run, parts: Parts, results: Path) -> None:
    """Store a record, then the weights; if these find no place, the record is there.

    Args:
        record: Record of the run.
        run: Settings of the run.
        parts: Data and trained method of the run.
        results: Folder of the records and weights.

    Raises:
        UnwritableError: If they cannot be written, for example because the disk is full.
    """
    records.save(record, results)
    try:
        save_run_weights(run, parts, results)
    except UnwritableError as error:
        path = records.record_path(results, run.id)
        raise UnwritableError(f"{error}; only the record is stored, in {path}") from error


def save_run_weights(run: Run, parts: Parts, results: Path = Path("results")) -> None:
    """Store the final weights of `run`, and what its network needs to be used without its data.

    Args:
        run: Settings of the run.
        parts: Data and trained method of the run.
        results: Folder of the run's record.
    """
    sure = measure_confidence(parts.method, parts.task, parts.device)
    about = replace(describe_network(run, parts), confidence=sure)
    saved_weights.save_weights(run.id, parts.method.state_dict(), about, results)


def describe_network(run: Run, parts: Parts) -> NetworkInfo:
    """Return what the network of `run` needs to be used without its data."""
    classes, resize = parts.task.classes, parts.task.target_test.resize.stored
    columns = {column.name: column.classes for column in parts.task.source_train.columns}
    return NetworkInfo(run.init, classes, resize, parts.stored_side, run.settings(), columns)


def build_record(
    run: Run, parts: Parts, curve: list[Point], seconds: float, images_per_second: float
) -> Record:
    """Build the record of a finished run, with details of this machine.

    Args:
        run: Settings of the run.
        parts: Data and trained method of the run.
        curve: All evaluations of the run.
        seconds: Duration of the whole run, preparation included.
        images_per_second: Training speed, evaluations left out.
    """
    on_gpu = parts.device.type == "cuda"
    return Record(
        run.id,
        run.settings(),
        curve,
        seconds,
        images_per_second,
        peak_memory=torch.cuda.max_memory_allocated() / 2**20 if on_gpu else peak_memory(),
        environment=describe_machine(run, parts),
        made_from=describe_beginning(run, parts),
        # Also where they are not stored: those of an earlier training of the run may be.
        weights=hash_network(parts.method.state_dict(), asdict(describe_network(run, parts))),
    )


@explain_failures
def fit(
    run: Run,
    parts: Parts,
    *,
    quiet: bool = False,
    on_evaluation: OnEvaluation = lambda point: None,
    checkpoints: Checkpoints | None = None,
) -> tuple[list[Point], float]:
    """Train `parts.method`; return every evaluation and the seconds spent between evaluations.

    Args:
        run: Settings of the run.
        parts: Data and method of the run.
        quiet: Whether to print no progress.
        on_evaluation: Function called with each evaluation.
        checkpoints: Checkpoints of the run, from the last of which it goes on; None for none.
    """
    SELECTORS.load([*SELECTORS])  # one that cannot be imported is better found before training
    with ExitStack() as conditions:
        conditions.enter_context(run_threads(run))
        conditions.enter_context(divided_passes())
        if checkpoints:
            conditions.enter_context(checkpoints.watch)
        return _fit(run, parts, quiet, on_evaluation, checkpoints)


def _fit(
    run: Run,
    parts: Parts,
    quiet: bool,
    on_evaluation: OnEvaluation,
    checkpoints: Checkpoints | None,
) -> tuple[list[Point], float]:
    default_generator(parts.device).set_state(parts.generator.get_state())
    bar = sys.stderr.isatty() and not quiet
    moving, steps = _begin(run, parts, bar, checkpoints)
    best, curve = moving.best, moving.curve
    if moving.done and not quiet:
        print(f"goes on after step {moving.done}", file=sys.stderr)
    moving.start()
    for step, losses in () if best.is_over() else steps:
        moving.stop()
        values = {name: loss.item() for name, loss in losses.items()}
        curve.append(take_from_first(evaluate(run, parts, step, values)))
        if not quiet:
            report(run, curve, numbers=not bar)
        on_evaluation(curve[-1])
        best.update(curve[-1], parts.method)
        moving.start()
        if best.is_over():
            break
    if checkpoints:
        checkpoints.leave_if_asked(int(curve[-1]["step"]))
    best.restore(parts.method)
    merge_lora(parts.method)
    return curve, moving.seconds


def _begin(
    run: Run, parts: Parts, bar: bool, checkpoints: Checkpoints | None
) -> tuple[Moving, Iterator[tuple[int, Losses]]]:
    """Return what moves in a training, where it begins or goes on, and its pauses."""
    (optimizer, before), precision = _prepare(run, parts), parts.formats.precision
    moving, steps = Moving(optimizer, BestWeights(run.tuning)), count_steps(run, parts)
    if checkpoints:
        checkpoints.resume(moving)
    shown = tqdm(
        run_batches(run, parts, moving.done),
        f"{run.method.owner.name} {run.task}",
        steps,
        initial=moving.done,
        leave=False,
        disable=not bar,
    )
    return moving, engine.fit(
        parts.method,
        iter(shown),
        optimizer,
        steps,
        run.eval_every,
        rate=lr_factor(run, steps),
        before=before,
        precision=precision,
        take=captured_step(parts.method, optimizer, precision) if run.cuda_graph else None,
        done=moving.done,
        log=moving.log,
        after=checkpoints.after_step if checkpoints else None,
    )


def _prepare(run: Run, parts: Parts) -> tuple[Optimizer, Callable[[int], None]]:
    """Return the optimizer of a run, and what is done before each step, by its number."""
    optimizer = build_optimizer(run, parts.method)
    options = backbone_options(run)
    resets = reset_steps(parts.task, run.batch, run.seed) if parts.method.streams else set()
    beginning = Beginning(parts.method, optimizer) if resets else None

    def before(step: int) -> None:
        if beginning and step in resets:
            beginning.restore()
        release_stage(run.tuning, parts.method.backbone, step, optimizer, options)

    return optimizer, before
