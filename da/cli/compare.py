"""The command that compares two rows of an experiment."""

from pathlib import Path
from typing import Annotated

from tyro.conf import Positional, arg

from da.cli.options import ChosenBy, Only, Results, named_records

ROW = "Label of a row, as `da table` prints it, or a method that has one row."


def compare(
    first: Annotated[Positional[str], arg(metavar="ROW", help=ROW)],
    second: Annotated[Positional[str], arg(metavar="OTHER", help=ROW)],
    experiment: Annotated[
        Positional[Path | None],
        arg(metavar="EXPERIMENT", help="Python file with the runs; without it, all records."),
    ] = None,
    results: Results = Path("results"),
    only: Only = (),
    chosen_by: ChosenBy = "last",
    metric: str = "",
) -> None:
    """Compare two rows: tasks won, difference with intervals, p-value, and seeds for one point.

    Args:
        metric: What is compared, such as hos; empty for what papers print of such tasks.
    """
    from da.methods import without_importing
    from da.results import comparison, comparison_page, record_list
    from da.runs import experiment as experiments

    if experiment:
        with without_importing():
            runs = experiments.load_experiment(experiment, only)
            found = named_records(experiment, runs, results)
    elif only:
        raise ValueError(f"--only {' '.join(only)} needs an experiment, known: a Python file")
    else:
        found = record_list.load_records(results)
    compared = comparison.compare_rows(found, (first, second), chosen_by, metric)
    print(comparison_page.render_page(compared), end="")
