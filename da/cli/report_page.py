"""The command that writes the page of an experiment."""

import ast
import shlex
from collections.abc import Sequence
from pathlib import Path

from da.cli.options import Experiment, Only, Results, all_records
from da.cli.report_outputs import describe_outputs


def report(
    experiment: Experiment,
    results: Results = Path("results"),
    only: Only = (),
    out: Path = Path("reports"),
) -> None:
    """Write the page of an experiment: one HTML file with its tables, figures and diagnosis.

    Args:
        out: Folder of the page, which is named like the experiment.
    """
    from da.methods import without_importing
    from da.report.facts import list_facts
    from da.report.page import render_page
    from da.report.page_data import describe_experiment
    from da.runs import experiment as experiments
    from da.system.cache import write_whole

    with without_importing():
        runs = experiments.load_experiment(experiment, only)
        wanted = all_records(experiment, runs, results, details=True)
        papers = experiments.named_papers(experiment)
    found = [record for record in wanted if record.curve]
    data = describe_experiment(
        found, wanted, papers, lambda rows, tasks: describe_outputs(rows, tasks, results)
    )
    facts = list_facts(data, len(found), len(wanted))
    commands = _commands(experiment, results, only, out)
    data["command"] = commands[1]
    page = render_page(experiment.stem, _about(experiment), facts, commands, data)
    file = out / f"{experiment.stem}.html"
    with write_whole(file, "--out") as part:
        part.write_text(page, encoding="utf-8")
    print(f"{file}, {file.stat().st_size / 1e6:.1f} MB, {len(found)} of {len(wanted)} runs")


def _about(experiment: Path) -> str:
    """Return the first paragraph of the experiment's docstring."""
    text = ast.get_docstring(ast.parse(experiment.read_text(encoding="utf-8"))) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _commands(experiment: Path, results: Path, only: Sequence[str], out: Path) -> list[str]:
    """Return the commands that train the runs, print the table and write the page."""
    same = ["--only", *only] if only else []
    same += ["--results", str(results)] if results != Path("results") else []
    to = ["--out", str(out)] if out != Path("reports") else []
    words = [["sweep", *same], ["table", *same], ["report", *same, *to]]
    return [shlex.join(["da", command, str(experiment), *rest]) for command, *rest in words]
