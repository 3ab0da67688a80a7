"""The command that searches for good settings."""

import math
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from da.cli.options import Device, Experiment, KeepOutputs, Only, Results, check_outputs
from da.system.extras import require

if TYPE_CHECKING:
    from threading import Event

    from da.search.study import Study
    from da.search.trial import Trial
    from da.search.tune import Search

_MARK = " ‡"
"""Mark of a choice with target labels, as in tables."""


def tune(
    experiment: Experiment,
    trials: int = 20,
    sampler: Literal["grid", "random", "tpe"] = "tpe",
    search: tuple[str, ...] = (),
    chosen_by: str = "infomax",
    only: Only = (),
    results: Results = Path("results"),
    storage: str = "",
    device: Device = "auto",
    outputs: KeepOutputs = "auto",
    out: Path = Path("plots"),
    on: str = "local",
    resources: tuple[str, ...] = (),
    workers: int = 1,
) -> None:
    """Search for good settings of an experiment's method, and print the best as Python to paste.

    Args:
        trials: Number of trials in all, including those of other processes.
            A trial carries out all runs of the experiment with other settings.
        sampler: How settings are drawn; tpe learns from the trials so far.
        search: Settings to vary; without it, lr and all settings of the method that have a range.
        chosen_by: Selector whose mean score over the runs is maximized; oracle is target accuracy.
            Several with plus signs rank the trials together; +gate asks for 90 % of the best source
            accuracy.
        storage: File of the search; empty for one in the folder of the records.
            The same command in another process or on another machine shares the search.
            The same command continues a search that was killed.
        out: Folder of the plot.
        on: Where runs are carried out: local for this process, slurm, ray, or ray:ADDRESS.
        resources: What each training gets on a cluster, as for `da sweep`.
        workers: Number of trials at once, on a cluster.
    """
    from threading import Event

    from da.runs import experiment as experiments
    from da.search.space import search_space
    from da.search.tune import Search
    from da.training.executors.choice import check_executor, open_executor

    require("tune", "a search", "optuna", "matplotlib")
    if trials < 1:
        raise ValueError(f"unknown number of trials {trials}, known: 1 and more")
    check_executor(on, resources)
    _check_workers(workers, on)
    runs = experiments.load_experiment(experiment, only)
    task = Search(
        experiment.stem,
        runs,
        search_space(runs, search),
        folder=results,
        sampler=sampler,
        chosen_by=chosen_by,
        storage=Path(storage) if storage else None,
        device=device,
        outputs=outputs,
    )
    check_outputs(results, device if on == "local" else "auto")
    study, stop = task.open(), Event()
    with open_executor(on, resources, results, int(on == "local"), stop) as place:
        _carry_out(replace(task, on=place), study, trials, workers, stop)
    left = len(study.grid) - len(study.trials())
    print(f"{_summarize(study.trials())}, in {task.file}")
    if study.grid:
        print(f"the grid has {len(study.grid)} points, of which {left} are left")
    _report_best(task, study.trials(), out)


def _check_workers(workers: int, on: str) -> None:
    if workers < 1:
        raise ValueError(f"unknown number of workers {workers}, known: 1 and more")
    if workers > 1 and on == "local":
        raise ValueError(
            f"--workers {workers} needs --on slurm or --on ray: here, each process of the same "
            "command carries out a trial"
        )


def _carry_out(task: "Search", study: "Study", wanted: int, workers: int, stop: "Event") -> None:
    """Carry out trials, and print each."""
    from tqdm import tqdm

    from da.search.at_once import carry_out_at_once

    ended = (
        task.carry_out(study, wanted)
        if workers == 1
        else carry_out_at_once(task, wanted, workers, stop)
    )
    begun = len(study.trials())
    with (
        closing(ended),
        tqdm(ended, "trials", wanted, initial=begun, disable=None, leave=False) as bar,
    ):
        for trial in bar:
            tqdm.write(f"[{len(study.trials())}/{wanted}] {_describe_trial(task, trial)}")
            sys.stdout.flush()


def _summarize(trials: "Sequence[Trial]") -> str:
    pruned, failed = sum(t.pruned for t in trials), sum(bool(t.error) for t in trials)
    return f"{len(trials)} trials, {pruned} of them given up early, {failed} failed"


def _report_best(task: "Search", trials: "Sequence[Trial]", out: Path) -> None:
    """Print the best trial as Python, and write the plot of the search."""
    from da.results.plots import style
    from da.search import codegen, plot

    whole = [trial for trial in trials if not trial.pruned and not trial.error]
    if not whole:
        raise SystemExit("da: no trial has a score")
    best = max(whole, key=lambda trial: trial.score)
    says = f"Trial {best.number}, the best of {len(trials)} by {_describe_score(task, best)}."
    if task.oracle:
        says += f"{_MARK} Chosen with target labels."
    print("", codegen.render_python(task.with_settings(best.settings), says), "", sep="\n")
    figure = plot.plot_search(trials, task.space, task.chosen_by)
    print(*style.save_figure(figure, out / task.name), sep="\n")


def _describe_trial(task: "Search", trial: "Trial") -> str:
    settings = " ".join(f"{name}={value!r}" for name, value in trial.settings.items())
    settings = f"trial {trial.number}, {settings}"
    if trial.error:
        return f"{settings}: failed, {trial.error}"
    early = f", given up after {trial.runs} of {len(task.runs)} runs" if trial.pruned else ""
    return f"{settings}: {_describe_score(task, trial)}{early}"


def _describe_score(task: "Search", trial: "Trial") -> str:
    spread = "" if math.isnan(trial.spread) else f" ± {trial.spread:.3g}"
    runs = f"{trial.runs} run{'s' * (trial.runs > 1)}"
    if trial.score == -math.inf:
        return f"{task.chosen_by} below the gate over {runs}"
    return f"{task.chosen_by}{_MARK * task.oracle} {trial.score:.4g}{spread} over {runs}"
