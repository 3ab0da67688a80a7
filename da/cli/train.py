"""Commands that carry out and profile runs."""

import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from tyro.conf import OmitArgPrefixes

from da.cli.options import (
    Device,
    Experiment,
    Keep,
    Only,
    Results,
    Wandb,
    Workers,
    check_outputs,
    describe_failure,
    describe_outcome,
    describe_record,
    load_records,
    print_warnings,
    run_with_methods,
)
from da.cli.suggestions import command_options, option_names

if TYPE_CHECKING:
    from da.training.sweep import Outcome


def train_command() -> Callable[..., None]:
    """Return the command `train`; importing its settings takes seconds."""
    if TYPE_CHECKING:
        from da.runs.run import Run
    else:
        Run = run_with_methods()

    def train(
        run: OmitArgPrefixes[Run],
        results: Results = Path("results"),
        device: Device = "auto",
        keep: Keep = False,
        wandb: Wandb = "auto",
    ) -> None:
        """Train one model and save its record."""
        from da.results import records, tracking
        from da.training.train import train

        check_outputs(results, device)
        record = train(run, device=device, keep=keep, results=results)
        if not keep:  # else it is stored, with its weights
            records.save(record, results)
        tracking.mirror(record, wandb)
        print(f"{describe_record(run, record)}, {records.record_path(results, run.id)}")

    return train


def train_options() -> tuple[set[str], dict[str, set[str]]]:
    """Return the options of `train` before a method's name, and those of each method after it."""
    from dataclasses import fields

    from da.methods import METHODS
    from da.runs.run import PARTS, Run

    settings = [field.name for part in (Run, *PARTS.values()) for field in fields(part)]
    own = {
        name: option_names([f.name for f in fields(kind.Hparams)]) for name, kind in METHODS.items()
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
    keep: Keep = False,
    share_steps: bool = False,
    wandb: Wandb = "auto",
) -> None:
    """Carry out every run of an experiment that has no record yet.

    Args:
        shard: Part of the runs, as K/N: every Nth run from the Kth on, with another K per machine.
        workers: Number of processes; auto for what suits the cores and the memory of a GPU.
        share_steps: Train up to ten runs at once, for small networks on a GPU.
            The runs train on features and differ in task, seed and some settings of the method.
            Their records differ from those of single runs by rounding, and say so.
    """
    from tqdm import tqdm

    from da.results import tables, tracking
    from da.runs import experiment as experiments
    from da.training.sweep import sweep

    if workers != "auto" and workers < 1:
        raise ValueError(f"unknown number of workers {workers}, known: auto, 1 and more")
    runs = experiments.load_runs(experiment, only)
    mine = experiments.take_shard(runs, shard)
    check_outputs(results, device)
    todo, failed = len(mine) - len(load_records(mine, results)), []
    outcomes = sweep(
        mine, results, workers=workers, device=device, keep=keep, share_steps=share_steps
    )
    try:
        with closing(outcomes), tqdm(outcomes, "runs", todo, disable=None, leave=False) as bar:
            for n, outcome in enumerate(bar, 1):
                _tell(outcome, f"[{n}/{max(n, todo)}]", wandb, experiment.stem)
                failed += [] if outcome.record else [outcome]
    except KeyboardInterrupt:
        progress = f"{len(load_records(runs, results))} of {len(runs)} runs have a record"
        print(f"da: {progress}; the same command goes on", file=sys.stderr)
        raise
    if found := load_records(runs, results):
        tracking.mirror_table(
            *tables.header_and_rows(tables.build_table(found)), wandb, experiment.stem
        )
    print(f"{len(found)} of {len(runs)} runs of {experiment} have a record in {results}")
    if failed:
        print(f"{len(failed)} failed:", *map(describe_failure, failed), sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


def _tell(outcome: "Outcome", place: str, wandb: Wandb, group: str) -> None:
    """Print the result of a run and its last warnings, and mirror it to W&B."""
    from tqdm import tqdm

    from da.results import tracking

    tqdm.write(f"{place} {describe_outcome(outcome)}")
    sys.stdout.flush()
    if outcome.record:
        print_warnings(outcome.run, outcome.record)
        tracking.mirror(outcome.record, wandb, group)


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
    for run in profiler.first_run_per_method(experiments.load_runs(experiment, only)):
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
