"""Commands that carry out and profile runs."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes

from da.cli.options import (
    Device,
    Experiment,
    KeepOutputs,
    Only,
    Results,
    SaveWeights,
    Wandb,
    Workers,
    check_outputs,
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

if TYPE_CHECKING:
    from da.results.records import Record
    from da.runs.run import Run


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
    ) -> None:
        """Train one model and save its record."""
        from da.results import records, tracking
        from da.training.train import train

        check_outputs(results, device)
        shown = tracking.Tracking(tracking.settle(wandb))
        if recipe:
            print(describe_recipe(recipe, run.method.owner.name, run.task), file=sys.stderr)
        *earlier, run = add_first_run(run, recipe)
        for one in earlier:
            train_first(one, device, results)
        record = train(
            run,
            device=device,
            save_weights=save_weights,
            results=results,
            outputs=outputs,
            tracking=shown,
        )
        if not save_weights:  # else it is stored, with its weights
            records.save(record, results)
        (label,) = label_runs([run]).values()
        print(f"{describe_record(label, record)}, {records.record_path(results, run.id)}")
        if not save_weights:
            print(
                "weights not stored: --save-weights keeps them for prune, export and predict",
                file=sys.stderr,
            )

    return train


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
            trainings of a job. Without gpus=, there is no GPU.
    """
    from tqdm import tqdm

    from da.results import tables, tracking
    from da.results.aggregate import has_accuracy
    from da.results.tracking import Tracking
    from da.runs import experiment as experiments
    from da.training.executors.choice import check_executor
    from da.training.sweep import sweep_outcomes

    check_executor(on, resources)
    if workers != "auto" and workers < 1:
        raise ValueError(f"unknown number of workers {workers}, known: auto, 1 and more")
    runs = experiments.load_experiment(experiment, only)
    mine = experiments.take_shard(runs, shard)
    check_outputs(results, device if on == "local" else "auto")
    way = tracking.settle(wandb)
    again, todo = _plan(mine, results, accept_old)
    labels, failures = label_runs(runs), []
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
        on=on,
        resources=resources,
    )
    try:
        with closing(outcomes), tqdm(outcomes, "runs", todo, disable=None, leave=False) as bar:
            for n, outcome in enumerate(bar, 1):
                label = labels[outcome.run.id]
                tqdm.write(f"[{n}/{max(n, todo)}] {describe_outcome(label, outcome)}")
                sys.stdout.flush()
                if outcome.record:
                    print_warnings(label, outcome.record)
                else:
                    failures.append(describe_outcome(label, outcome))
    except KeyboardInterrupt:
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


def _plan(runs: "Sequence[Run]", results: Path, accept_old: bool) -> tuple[set[str], int]:
    """Return ids of runs whose record is to be made again, and the number of runs to carry out.

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
    return old | damaged.keys(), len(runs) - len(found) + len(old)


def _sound_records(runs: "Sequence[Run]", results: Path) -> "list[Record]":
    from da.results import records

    wanted = {run.id: run.settings() for run in runs}
    return records.load_sound(results, wanted, details=False)[0]


def _remove_empty(results: Path) -> None:
    """Remove a folder of records that holds nothing, as after runs that were all refused."""
    with suppress(OSError):
        (results / ".locks").rmdir()
        results.rmdir()


def profile(
    experiment: Experiment,
    only: Only = (),
    steps: int = 30,
    device: Device = "auto",
    out: Path = Path("plots"),
    results: Results = Path("results"),
) -> None:
    """Time the first run of each method of an experiment, and write traces for a browser.

    Args:
        steps: Number of training steps to time in each run.
        out: Folder of the traces; open them in chrome://tracing or ui.perfetto.dev.
    """
    from da.runs import experiment as experiments
    from da.training import profiler
    from da.training.setup import find_device

    if steps < 1:
        raise ValueError(f"unknown number of steps {steps}, known: 1 and more")
    find_device(device)
    found, left_out = [], []
    for run in profiler.first_run_per_method(experiments.load_experiment(experiment, only)):
        name = run.method.owner.name
        trace = out / f"{experiment.stem}-{name}.trace.json"
        try:
            found.append(
                profiler.profile_run(run, trace, steps=steps, device=device, results=results)
            )
        except ValueError as error:
            left_out.append(f"{name} left out: {error}")
    if not found:
        raise ValueError("; ".join(left_out))
    print(profiler.render_profiles(found), *left_out, sep="\n\n")
