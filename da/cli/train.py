"""Commands that carry out runs."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from tyro.conf import OmitArgPrefixes, arg

from da.cli.options import (
    CheckpointMinutes,
    Device,
    Experiment,
    KeepOutputs,
    Only,
    Results,
    SaveWeights,
    Wandb,
    Workers,
    check_minutes,
    check_outputs,
    check_workers,
    describe_outcome,
    describe_record,
    exit_with_failures,
    label_runs,
    print_warnings,
    run_with_methods,
)
from da.cli.recipe_runs import add_first_run, train_first
from da.cli.recipe_words import RecipeName, describe_recipe
from da.cli.suggestions import command_options, option_names
from da.system.signals import SignalExit

if TYPE_CHECKING:
    from da.results.records import Record
    from da.results.time_left import TimeLeft
    from da.runs.run import Run

RESTART = "Begin anew although a checkpoint of these settings is there."


def train_command(words: Sequence[str] = ()) -> Callable[..., None]:
    """Return the command `train` for the words after it; importing its settings takes seconds."""
    if TYPE_CHECKING:
        from da.runs.run import Run
    else:
        Run = run_with_methods(words)

    def train(
        run: OmitArgPrefixes[Run],
        recipe: RecipeName = "",
        results: Results = Path("results"),
        device: Device = "auto",
        save_weights: SaveWeights = False,
        outputs: KeepOutputs = "auto",
        wandb: Wandb = "auto",
        gpus: int = 1,
        checkpoint_minutes: CheckpointMinutes = 10,
        restart: Annotated[bool, arg(help=RESTART)] = False,
    ) -> None:
        """Train one model and save its record.

        Args:
            gpus: Number of GPUs that train the model together; of processes where there is no GPU.
        """
        from da.training import processes

        check_minutes(checkpoint_minutes)
        if gpus != 1 and processes.count_processes() == 1:
            if status := processes.launch(gpus, words):
                raise SystemExit(status)
            return
        with processes.joined(device) as place:
            how = {"outputs": outputs, "checkpoint_minutes": checkpoint_minutes, "restart": restart}
            _train(run, recipe, results, place, save_weights, wandb, how)

    return train


def _train(
    run: "Run",
    recipe: str,
    results: Path,
    device: str,
    save_weights: bool,
    wandb: Wandb,
    how: dict[str, Any],
) -> None:
    """Train a run, and before it the one that its recipe begins with; `how` is as in `train`."""
    from da.results import records, tracking
    from da.training.processes import is_first
    from da.training.train import train

    check_outputs(results, device)
    shown = tracking.Tracking(tracking.settle(wandb))
    if recipe:
        print(describe_recipe(recipe, run.method.owner.name, run.task), file=sys.stderr)
    *earlier, run = add_first_run(run, recipe)
    for one in earlier:
        train_first(one, device, results, how["checkpoint_minutes"])
    record = train(
        run, device=device, save_weights=save_weights, results=results, tracking=shown, **how
    )
    if not save_weights and is_first():  # else it is stored, with its weights
        records.save(record, results)
    (label,) = label_runs([run]).values()
    print(f"{describe_record(label, record)}, {records.record_path(results, run.id)}")
    if not save_weights:
        print(
            "weights not stored: --save-weights keeps them for prune, export and predict",
            file=sys.stderr,
        )


def train_options() -> tuple[set[str], dict[str, set[str]]]:
    """Return the options of `train` before a method's name, and those of each method after it."""
    from dataclasses import fields

    from da.methods import METHODS
    from da.runs.run import PARTS, Run

    settings = [field.name for part in (Run, *PARTS.values()) for field in fields(part)]
    own = {
        name: option_names([f.name for f in fields(kind.Hparams)])
        for name, kind in METHODS.load().items()
    }
    groups = option_names(["run", "method", *PARTS])
    return (option_names(settings) | command_options(train_command())) - groups, own


def no_train() -> None:
    """Train one model and save its record."""


def sweep(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    shard: str = "1/1",
    workers: Workers = "auto",
    device: Device = "auto",
    save_weights: SaveWeights = False,
    share_steps: bool = False,
    outputs: KeepOutputs = "auto",
    accept_old: bool = False,
    wandb: Wandb = "auto",
    checkpoint_minutes: CheckpointMinutes = 10,
    on: str = "local",
    resources: tuple[str, ...] = (),
) -> None:
    """Carry out every run of an experiment that has no record yet, or one of other code or data.

    Args:
        shard: Part of the runs, as K/N: every Nth run from the Kth on, with another K per machine.
        workers: Number of processes; auto for what suits the cores and the memory of a GPU.
            On a cluster, the largest number of trainings at once; auto for no limit.
        share_steps: Train up to ten runs at once, for small networks on a GPU.
            The runs train on features and differ in task, seed and some settings of the method.
            Their records differ from those of single runs by rounding, and say so.
        accept_old: Keep records of other code or data as they are. Without it these runs are
            trained again, and their old records are kept in old/ in the folder of the records.
        on: Where runs are carried out: local for this machine, slurm, ray, or ray:ADDRESS.
        resources: What each training gets on a cluster, for example gpus=0.25 cpus=2 memory=8 (GB).
            Slurm also takes minutes, partition, account, qos, constraint, and chunk: the number of
            trainings of a job. Without gpus=, there is no GPU. On Ray, gpus=auto and memory=auto
            measure one run of each kind first.
    """
    from tqdm import tqdm

    from da.results import tables, tracking
    from da.results.aggregate import has_accuracy
    from da.results.tracking import Tracking
    from da.runs import experiment as experiments
    from da.training.executors.choice import check_executor
    from da.training.sweep import sweep_outcomes

    check_executor(on, resources)
    check_workers(workers)
    runs = experiments.load_experiment(experiment, only)
    mine = experiments.take_shard(runs, shard)
    check_outputs(results, device if on == "local" else "auto")
    check_minutes(checkpoint_minutes)
    way = tracking.settle(wandb)
    again, done = find_done(mine, results, accept_old)
    labels, failures, todo = label_runs(runs), [], len(mine) - len(done)
    left = _time_left(mine, done, workers, device, results) if on == "local" else None
    outcomes = sweep_outcomes(
        mine,
        results,
        workers=workers,
        device=device,
        save_weights=save_weights,
        share_steps=share_steps,
        outputs=outputs,
        again=again,
        tracking={id: Tracking(way, experiment.stem, label) for id, label in labels.items()},
        checkpoint_minutes=checkpoint_minutes,
        on=on,
        resources=resources,
    )
    try:
        with closing(outcomes), tqdm(outcomes, "runs", todo, disable=None, leave=False) as bar:
            for n, outcome in enumerate(bar, 1):
                label = labels[outcome.run.id]
                said = f"[{n}/{max(n, todo)}] {describe_outcome(label, outcome)}"
                if left:
                    left.end(outcome.run.id, outcome.record)
                    said += _describe_left(left)
                tqdm.write(said)
                sys.stdout.flush()
                if outcome.record:
                    print_warnings(label, outcome.record)
                else:
                    failures.append(describe_outcome(label, outcome))
    except (KeyboardInterrupt, SignalExit):
        progress = f"{len(_sound_records(runs, results))} of {len(runs)} runs have a record"
        print(f"da: {progress}; the same command goes on", file=sys.stderr)
        raise
    found = _sound_records(runs, results)
    if any(map(has_accuracy, found)):
        table = tables.header_and_rows(tables.build_table(found))
        tracking.mirror_table(*table, Tracking(way, experiment.stem))
    if not found:
        _remove_empty(results)
    print(f"{len(found)} of {len(runs)} runs of {experiment} have a record in {results}")
    exit_with_failures(failures)


def find_done(
    runs: "Sequence[Run]", results: Path, accept_old: bool
) -> "tuple[set[str], list[Record]]":
    """Return ids of runs whose record is to be made again, and the records of all that are done.

    One line on stderr says why records are made again.
    """
    from da.results import records
    from da.runs import provenance

    found, damaged = records.load_sound(results, {run.id: run.settings() for run in runs})
    states = {} if accept_old else provenance.find_states(found, results, decode=True)
    old = {id for id, state in states.items() if state != provenance.CURRENT}
    if about := provenance.describe_old(states, found):
        kept = "trained again and kept in old/; --accept-old keeps them as they are"
        print(f"da: {about}: {kept}", file=sys.stderr)
    if damaged:
        more = f" ({len(damaged)} such records)" if len(damaged) > 1 else ""
        print(f"da: {next(iter(damaged.values()))}: done now{more}", file=sys.stderr)
    return old | damaged.keys(), [record for record in found if record.id not in old]


def _time_left(
    runs: "Sequence[Run]",
    done: "Sequence[Record]",
    workers: "Workers",
    device: str,
    results: Path,
) -> "TimeLeft":
    """Return what tells how long the runs will take that are not done."""
    from da.results.time_left import TimeLeft
    from da.system.environment import environment
    from da.training.sweep import usual_workers

    ids, here = {record.id for record in done}, environment()["machine"]
    known = [record for record in done if record.environment.get("machine") == here]
    waiting = {run.id: run.settings() for run in runs if run.id not in ids}
    return TimeLeft(
        waiting, known, usual_workers(device) if workers == "auto" else workers, results
    )


def _describe_left(left: "TimeLeft") -> str:
    from da.results.run_times import describe_time

    seconds = left.seconds()
    return f", about {describe_time(seconds)} left" if seconds and seconds >= 1 else ""


def _sound_records(runs: "Sequence[Run]", results: Path) -> "list[Record]":
    from da.results import records

    wanted = {run.id: run.settings() for run in runs}
    return records.load_sound(results, wanted, details=False)[0]


def _remove_empty(results: Path) -> None:
    """Remove a folder of records that holds nothing, as after runs that were all refused."""
    with suppress(OSError):
        (results / ".locks").rmdir()
        results.rmdir()
