"""Commands that say what choosers pick, and how good their picks are."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from tyro.conf import Positional, arg

from da.cli.options import Experiment, Only, Results, named_records

if TYPE_CHECKING:
    from da.results.records import Record
    from da.selection.pools import Pool

Experiments = Annotated[
    Positional[tuple[Path, ...]], arg(help="Python files with `runs() -> list[Run]`.")
]
Within = Annotated[
    Literal["run", "method", "all"],
    arg(
        help="What is chosen from at each task and seed: the evaluations of a run, of a method, or "
        "of all methods."
    ),
]
SHARED = {"run": "run", "method": "task, seed and method", "all": "task and seed"}
"""What the evaluations of a pool share, in words."""
Choosers = Annotated[
    str,
    arg(
        help="Choosers with commas between, such as infomax,entropy+gate; empty for all scores, "
        "each with and without the gate, and the mean rank of three."
    ),
]


def select(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    within: Within = "all",
    chosen_by: Choosers = "",
) -> None:
    """Print which evaluation each chooser picks, and what accuracy it reaches.

    Runs that were shown target labels are left out. Where the target has no labels, the accuracy is
    left out.
    """
    from da.results.aggregate import sees_labels
    from da.results.choosers import choose
    from da.selection.pools import build_pools
    from da.selection.study_text import render_picks

    pools = build_pools(_load(experiment, results, only), within)
    names = _names(pools, chosen_by, last=within == "run")
    parts = [
        render_picks(pool, [(name, choose(pool.points, name)) for name in names], within)
        for pool in pools
    ]
    marked = [["‡ chosen with target labels"]] * any(map(sees_labels, names))
    print(*("\n".join(part) for part in [*parts, *marked]), sep="\n\n")


def validate(
    experiments: Experiments,
    results: Results = Path("results"),
    only: Only = (),
    within: Within = "all",
    chosen_by: Choosers = "",
    format: Literal["terminal", "markdown"] = "terminal",
    save: bool = False,
    plot: bool = False,
    out: Path = Path("plots"),
) -> None:
    """Judge choosers by the accuracy of what they pick among the evaluations of experiments.

    Selectors that records lack, such as your own, are scored first where outputs of runs are kept.

    Args:
        format: Format of the table: text for a terminal, or Markdown.
        save: Write scores that records lacked into the records of the folder.
        plot: Draw the means and the worst picks, as PNG and SVG.
        out: Folder of the plot.
    """
    from da.results.choosers import list_scores
    from da.selection import study
    from da.selection.pools import build_pools
    from da.selection.study_text import render_study

    if not experiments:
        raise ValueError("no experiment to validate on: name a Python file with `runs()`")
    every = [_load(experiment, results, only) for experiment in experiments]
    tested = [_tested(records) for records in every]
    pools = [pool for records in tested for pool in build_pools(records, within)]
    pools = [pool for pool in pools if len(pool.candidates) > 1]
    if not pools:
        raise ValueError(
            f"nothing to validate on: no {SHARED[within]} has two evaluations to choose from"
        )
    wanted = {score for name in chosen_by.split(",") for score in list_scores(name)}
    pools = _score_more(pools, tested, results, save, wanted if chosen_by else None)
    names = _names(pools, chosen_by, last=within == "run")
    frame, verdicts = study.frame(pools), [study.judge(pools, name) for name in names]
    print(render_study(frame, verdicts, format == "markdown"))
    if plot:
        from da.results.plots import style
        from da.selection.plot import plot_study

        stem = "-".join([*(file.stem for file in experiments), "choosers"])
        print(*style.save_figure(plot_study(frame, verdicts), out / stem), sep="\n")


def _load(experiment: Path, results: Path, only: Only) -> "list[Record]":
    from da.methods import without_importing
    from da.runs import experiment as experiments

    with without_importing():
        runs = experiments.load_experiment(experiment, only)
        return named_records(experiment, runs, results)


def _tested(records: "list[Record]") -> "list[Record]":
    """Return the records that have a target accuracy, and say on stderr which have none."""
    from da.results.aggregate import has_accuracy, split_tested

    if untested := split_tested(records)[1]:
        print(f"da: {untested}", file=sys.stderr)
    return [record for record in records if has_accuracy(record)]


def _score_more(
    pools: "list[Pool]",
    every: "list[list[Record]]",
    results: Path,
    save: bool,
    wanted: set[str] | None,
) -> "list[Pool]":
    """Return pools with scores that their records lack, where outputs of all runs are kept.

    Args:
        pools: Pools to choose from.
        every: Records of each experiment.
        results: Folder of the records.
        save: Write the scores into the records.
        wanted: Scores that count; None for all.
    """
    from da.selection import kept_scores
    from da.selection.pools import build_pools

    of_tasks = [pool for records in every for pool in build_pools(records)]
    kept = kept_scores.keep_scorable(of_tasks, results)
    names = [n for n in kept_scores.lacking(kept) if wanted is None or n in wanted]
    if not names or (len(kept) < len(of_tasks) and not save):
        if names:
            which = f"--only task={kept[0].task} seed={kept[0].seed}"
            print(
                f"da: {', '.join(names)} left out, as outputs are kept of {len(kept)} of "
                f"{len(of_tasks)} tasks and seeds; {which} scores them",
                file=sys.stderr,
            )
        return pools
    found = kept_scores.score_pools(kept, names, results)
    if save:
        count = kept_scores.save_scores(found, results)
        print(f"da: scores of {', '.join(names)} are in {count} records now", file=sys.stderr)
    return kept_scores.add_scores(pools, found)


def _names(pools: "list[Pool]", chosen_by: str, *, last: bool) -> list[str]:
    """Return the choosers that are named, or all; `last` is one where all pools are single runs."""
    from da.results.choosers import check_chooser
    from da.selection.study import known_labeled, known_scores, list_choosers

    scores, partly = known_scores(pools)
    if partly:
        print(f"da: left out, as some pools have no score: {', '.join(partly)}", file=sys.stderr)
    among = ["last"] * last
    for name in chosen_by.split(",") if chosen_by else ():
        if name == "last" and not last:
            raise ValueError("'last' chooses within a run: name --within run, or another selector")
        check_chooser(name, [*among, *scores, *known_labeled(pools)])
    return chosen_by.split(",") if chosen_by else [*among, *list_choosers(scores)]
