"""The command that searches for good settings."""

import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from da.cli.options import Device, Experiment, KeepOutputs, Only, Results, check_outputs
from da.system.extras import require

if TYPE_CHECKING:
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
) -> None:
    """Search for good settings of an experiment's method, and print the best as Python to paste.

    Args:
        trials: Number of trials in all, including those of other processes.
            A trial carries out all runs of the experiment with other settings.
        sampler: How settings are drawn; tpe learns from the trials so far.
        search: Settings to vary; without it, lr and all settings of the method that have a range.
        chosen_by: Selector whose mean score over the runs is maximized; oracle is target accuracy.
        storage: File of the search; empty for one in the folder of the records.
            The same command in another process or on another machine shares the search.
            The same command continues a search that was killed.
        out: Folder of the plot.
    """
    from tqdm import tqdm

    from da.runs import experiment as experiments
    from da.search.space import search_space
    from da.search.tune import Search

    require("tune", "a search", "optuna", "matplotlib")
    if trials < 1:
        raise ValueError(f"unknown number of trials {trials}, known: 1 and more")
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
    check_outputs(results, device)
    study = task.open()
    begun = len(study.trials())
    bar = tqdm(
        task.carry_out(study, trials), "trials", trials, initial=begun, disable=None, leave=False
    )
    for trial in bar:
        tqdm.write(f"[{len(study.trials())}/{trials}] {_describe_trial(task, trial)}")
        sys.stdout.flush()
    left = len(study.grid) - len(study.trials())
    print(f"{_summarize(study.trials())}, in {task.file}")
    if study.grid:
        print(f"the grid has {len(study.grid)} points, of which {left} are left")
    _report_best(task, study.trials(), out)


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
    return f"{task.chosen_by}{_MARK * task.oracle} {trial.score:.4g}{spread} over {runs}"
