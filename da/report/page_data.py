"""All that the page shows of an experiment, as one object that becomes JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from da.config.registry import SELECTORS
from da.report.confusion_data import describe_confusions
from da.report.outputs import NEEDED
from da.report.run_data import Rows, describe_runs
from da.report.setting_data import describe_environments, describe_settings
from da.report.table_data import collect_tables
from da.report.warning_data import describe_warnings
from da.results import aggregate
from da.results.aggregate import Line, Runs
from da.results.negative_transfer import BASELINE
from da.results.plots.axes import name_axis
from da.results.plots.palette import COLORS
from da.results.records import Record
from da.results.shown_metric import FALLING, check_metric, show_records
from da.results.single_best import join_singles
from da.results.table_columns import head_columns

FIRST_ROWS = 6
"""Rows whose curves are shown before the reader checks others: the baseline and the best."""

Data = dict[str, Any]


def without_pictures(rows: Rows, tasks: Sequence[str]) -> Data:
    """Return lines on what the sections of kept outputs need."""
    return {"features": NEEDED, "images": NEEDED}


def describe_experiment(
    records: Sequence[Record],
    wanted: Sequence[Record] | None = None,
    papers: Sequence[str] = (),
    pictures: Callable[[Rows, Sequence[str]], Data] = without_pictures,
) -> Data:
    """Return the data of the page, in columns, since these are much shorter than objects.

    Args:
        records: Records of the runs so far, with all details.
        wanted: A record of every run of the experiment, as in `build_table`.
        papers: Papers whose numbers stand below ours, as in `build_table`.
        pictures: Function of rows and tasks that returns the sections `features` and `images`.

    Raises:
        ValueError: There are no records.
    """
    tested, untested = aggregate.split_tested(records)
    aggregate.check_selectors(tested or records, [])
    shown, what = show_records(tested, "")
    falling = check_metric(tested, "") in FALLING
    rows = aggregate.group_records(join_singles(shown))
    tasks = aggregate.list_tasks(rows)
    selectors = _selectors(shown, falling)
    tables, together = collect_tables(tested, selectors, wanted, papers)
    runs = describe_runs(rows, tasks)
    data = {
        "what": f"{what}, %",
        "falling": falling,
        "rows": [line.marked_label for line in rows],
        "sections": [int(line.labels or line.oracle) for line in rows],
        "tasks": head_columns(tasks),
        "selectors": {name: _describe_selector(name) for name in selectors},
        "tables": tables,
        "by_selector": untested or together,
        "first_rows": _first_rows(rows, tasks, falling),
        "runs": runs,
        "axes": {key: name_axis(key, what) for key in runs["values"]},
        "colors": COLORS,
        "confusion": describe_confusions(rows, tasks),
        "warnings": describe_warnings(rows),
        "settings": describe_settings(rows),
        "environment": describe_environments(tested),
    }
    return data | pictures(rows, tasks)


def _selectors(shown: Sequence[Record], falling: bool) -> list[str]:
    """List what can choose evaluations; the oracle takes the highest, which may be the worst."""
    found = aggregate.list_selectors(shown)
    return [name for name in found if not (falling and name == "oracle")]


def _describe_selector(name: str) -> str:
    if name in SELECTORS:
        return SELECTORS.constants(name)["__doc__"].partition("\n")[0]
    usual = {
        "last": "The last evaluation of each run.",
        "oracle": "The evaluation of highest target accuracy: chosen with target labels.",
        "few_shot": "Accuracy on a few labeled target images: chosen with target labels.",
    }
    return usual.get(name, "")


def _first_rows(rows: Mapping[Line, Runs], tasks: Sequence[str], falling: bool) -> list[int]:
    """Return the places of the baseline and of the best rows, at the last evaluation."""
    means = {
        i: aggregate.average(runs, tasks, "last")[0]
        for i, (line, runs) in enumerate(rows.items())
        if not (line.labels or line.oracle)
    }
    known = {i: value for i, value in means.items() if value is not None} or dict.fromkeys(means, 0)
    best = sorted(known, key=lambda i: known[i] if falling else -known[i])
    first = [i for i, line in enumerate(rows) if line.label.startswith(BASELINE) and i in means]
    return list(dict.fromkeys([*first[:1], *best]))[:FIRST_ROWS]
