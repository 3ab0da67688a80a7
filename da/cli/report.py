"""Commands that show, publish and mirror records."""

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from tyro.conf import Positional, arg

from da.cli.options import (
    ChosenBy,
    Experiment,
    Only,
    Recorded,
    Results,
    all_records,
    load_records,
    named_records,
)
from da.results.tracking import Mode


def table(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    format: Literal["terminal", "markdown", "latex", "csv"] = "terminal",
    cost: bool = False,
    label_columns: bool = False,
    metric: str = "",
    interval: bool = False,
) -> None:
    """Print the table of an experiment from the records it has so far.

    Args:
        format: Format of the table: text for a terminal, Markdown, LaTeX, or CSV.
        cost: Show the cost of a run next to its average accuracy; CSV always has the cost.
        label_columns: Show the accuracy of each label column and the mean, averaged over tasks.
        metric: What is shown, such as hos or mean_class; empty for what papers print of such tasks.
        interval: Show 95 % intervals of means, over seeds and over tasks, in place of deviations.
    """
    from da.methods import without_importing
    from da.results import tables
    from da.runs import experiment as experiments

    with without_importing():
        runs = experiments.load_experiment(experiment, only)
        wanted = all_records(experiment, runs, results)
        papers = experiments.named_papers(experiment)
    found, names = [r for r in wanted if r.curve], chosen_by.split(",")
    how: dict[str, Any] = {"cost": cost, "label_columns": label_columns, "metric": metric}
    how |= {"bold": sys.stdout.isatty(), "papers": papers, "interval": interval}
    how["name"] = experiment.stem
    print(tables.render_table(found, names, format, wanted=wanted, **how))


def publish(
    experiment: Experiment,
    results: Results = Path("results"),
    out: Path = Path("results/published"),
    outputs: str = "",
) -> None:
    """Write all records of an experiment to one file, from which others can make its tables.

    Args:
        out: Folder of such files; older records of the same runs in them are replaced.
        outputs: Task whose outputs, of all methods with seed 0, are written too, for trying a
            selector; empty for none.
    """
    from da.methods import without_importing
    from da.results import publish
    from da.runs import experiment as experiments

    with without_importing():
        runs = experiments.load_experiment(experiment)
    found = {
        record.id: record for record in (*load_records(runs, out), *load_records(runs, results))
    }
    if missing := len(runs) - len(found):
        raise ValueError(f"{missing} of {len(runs)} runs have no record in {results}: sweep first")
    if outputs:
        from da.evaluation.published_outputs import publish_outputs

        made = publish_outputs(found.values(), outputs, experiment.stem, results, out)
        size = f"{made.file.stat().st_size / 1e3:,.0f} kB"
        print(f"outputs of {made.runs} runs in {made.file}, {made.width} features, {size}")
    file = publish.publish(found.values(), experiment.stem, out)
    print(f"{len(found)} records in {file}, {file.stat().st_size / 1e3:,.0f} kB")


def diagnose(run: Recorded, results: Results = Path("results")) -> None:
    """Print the evaluations of a run, and its warnings with their likely causes."""
    from da.results import health, records
    from da.runs.provenance import CURRENT, find_states

    record = records.find(run, results)
    print(health.render_page(record))
    states = find_states([record], records.folder_of(run, results), data=False)
    if (state := states[record.id]) != CURRENT:
        print(f"\nThis record is of {state}: train or sweep the run again for one of now.")


def runs(
    experiment: Annotated[
        Positional[Path | None],
        arg(metavar="EXPERIMENT", help="Python file with the runs; without it, all records."),
    ] = None,
    results: Results = Path("results"),
) -> None:
    """List records: settings that differ, accuracy, scores of selectors, date, weights, and state.

    The state of a record is blank where it is of the code and data of now. Scores are those of the
    last evaluation. Old records, which newer ones of the same runs replaced, stand beneath these.
    """
    from da.cli.run_list import list_runs
    from da.results import records

    wanted = None
    if experiment:
        from da.methods import without_importing
        from da.runs import experiment as experiments

        with without_importing():
            wanted = {run.id: run.settings() for run in experiments.load_experiment(experiment)}
    found, damaged = records.load_sound(results, wanted)
    if not found and not damaged:
        raise ValueError(f"no records in {results}; `da train` and `da sweep` write them")
    print(*list_runs(found, damaged, results), sep="\n")


def plot(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    map: str = "",
    against: str = "",
    metric: str = "",
    ranks: bool = False,
    out: Path = Path("plots"),
) -> None:
    """Plot an experiment as PNG, SVG and PDF; by default its curves and methods.

    Args:
        map: Id of a run whose features are drawn, with and without adaptation; empty for none.
        against: Setting on the horizontal axis, such as lr, or labels for +Klabel; empty for none.
        metric: What is drawn, such as hos or mean_class; empty for what papers print of such tasks.
        ranks: Draw what rows may claim: ranks with critical differences, interquartile means with
            intervals, probabilities of improvement, and performance profiles.
        out: Folder of the plots.
    """
    from da.methods import without_importing
    from da.results import aggregate, shown_metric
    from da.results.plots import experiment as plots
    from da.results.plots import ranks as of_ranks
    from da.results.plots import style
    from da.runs import experiment as experiments

    name, figures = experiment.stem, {}
    if map:
        figures[f"{name}-map-{map}"] = _feature_map(experiment, only, map, results)
    if against or ranks or not map:
        with without_importing():
            runs = experiments.load_experiment(experiment, only)
            found = named_records(experiment, runs, results)
        found, what = shown_metric.show_records(found, metric)
    if against:
        figures[f"{name}-against-{against}"] = plots.plot_against(found, against, chosen_by, what)
    if ranks:
        for line in of_ranks.describe_left_out(found):
            print(f"da: {line}", file=sys.stderr)
        falling = what in [shown_metric.TITLES[name] for name in shown_metric.FALLING]
        figures[f"{name}-ranks"] = of_ranks.plot_ranks(found, chosen_by, what, falling=falling)
        figures[f"{name}-profile"] = of_ranks.plot_profile(found, chosen_by, what)
    if not figures:
        tested, untested = aggregate.split_tested(found)
        if untested:
            print(f"da: {untested}", file=sys.stderr)
        figures[f"{name}-curves"] = plots.plot_curves(tested, what)
        if all(aggregate.has_accuracy(record) for record in tested):
            figures[f"{name}-methods"] = plots.plot_methods(tested, chosen_by, what)
    for stem, figure in figures.items():
        print(*style.save_figure(figure, out / stem), sep="\n")


def _feature_map(experiment: Path, only: Only, id: str, results: Path) -> Any:
    """Draw the features of a run of the experiment, whose network is trained again if need be."""
    from da.config.validation import shorten_names
    from da.results.plots.feature_map import plot_feature_map
    from da.runs.experiment import load_experiment
    from da.training.embeddings import compute_embedding

    known = {run.id: run for run in load_experiment(experiment, only)}
    if id not in known:
        raise ValueError(f"unknown run {id!r}, known: {shorten_names(known)}")
    return plot_feature_map(**vars(compute_embedding(known[id], results)))


def wandb(
    action: Positional[Literal["push"]],
    results: Positional[Path] = Path("results"),
    mode: Mode = "auto",
) -> None:
    """Mirror existing records to Weights & Biases: `da wandb push results/`.

    Args:
        action: What to do; push mirrors all records of a folder.
        results: Folder of the records.
        mode: How to reach W&B; auto follows WANDB_MODE, or is online if credentials exist.
    """
    from da.results import tracking

    print(f"{tracking.push(results, mode)} runs mirrored from {results}")
