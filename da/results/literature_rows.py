"""Rows of a table with numbers printed in papers, below our rows. Does not import torch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean

from da.config.validation import is_run_id
from da.results.aggregate import Line, Runs
from da.results.literature.lookup import Reference, reference
from da.results.records import Record
from da.results.table_render import Cell, Row

Rows = Mapping[Line, Runs]

ONLINE = " (online)"
"""End of the method of a row of predictions made while images arrived."""

FROM_SCRATCH = "lenet", "identity"
"""Backbones that papers train from random weights."""

Kind = tuple[str, str, str, bool]
"""Method, few labels, backbone, and whether the backbone was trained on the task."""


def reference_for(line: Line, task: str, rows: Rows, metric: str = "accuracy") -> Reference | None:
    """Return the printed number to compare a row with on a task, or None if there is none.

    Args:
        line: Row of the table.
        task: Column of the table.
        rows: All rows, among them those of runs that others begin with.
        metric: What the table shows.
    """
    if (kind := _kind(line, task, rows)) is None:
        return None
    method, few, backbone, trained = kind
    if method.endswith(ONLINE) and metric == "accuracy":
        method, metric = method.removesuffix(ONLINE), "online"
    name = f"{task}+{few.replace('-', '')}" if few else task
    return reference(method, name, backbone, trained=trained, metric=metric)


def _kind(line: Line, task: str, rows: Rows) -> Kind | None:
    """Return what the runs of a row on a task are, or None if no printed run is like them."""
    if (record := next(iter(rows[line].get(task, {}).values()), None)) is None:
        return None
    settings = record.settings
    backbone, trained = str(settings.get("backbone", "")), _trains(record, rows)
    anew = settings.get("init") == "random" and backbone not in FROM_SCRATCH
    if anew or settings.get("test"):
        return None
    return line.method, line.few, backbone, trained


def _trains(record: Record, rows: Rows) -> bool:
    """Return whether the backbone of a run was trained, by it or by the run that it begins with."""
    if record.settings.get("regime") == "full":
        return True
    begun = record.settings.get("init")
    if not is_run_id(begun):
        return False
    each = (runs for row in rows.values() for runs in row.values())
    first = (run for runs in each for run in runs.values() if run.id == begun)
    return any(run.settings.get("regime") == "full" for run in first)


def cite(number: Reference) -> str:
    """Return paper, backbone and place of a printed number."""
    return f"{number.paper}, {number.backbone}; {number.where}"


def reference_rows(
    rows: Rows, tasks: Sequence[str], columns: Sequence[Sequence[str]], metric: str = "accuracy"
) -> tuple[list[Row], list[str]]:
    """Return a row of printed numbers for each method and backbone, and their footnotes.

    Args:
        rows: Rows of the table.
        tasks: All tasks of the table.
        columns: Tasks that each column averages over.
        metric: What the table shows.
    """
    found: dict[Kind, dict[str, Reference]] = defaultdict(dict)
    for line, task in product(rows, tasks):
        kind, number = _kind(line, task, rows), reference_for(line, task, rows, metric)
        if kind and number:
            found[kind][task] = number
    numbers = [number for row in found.values() for number in row.values()]
    papers = list(dict.fromkeys(map(cite, numbers)))
    printed = [
        _printed(_label(kind, list(found)), row, papers, columns) for kind, row in found.items()
    ]
    notes = [f"≈ {reason}" for reason in dict.fromkeys(n.differs for n in numbers if n.alike)]
    return printed, notes + [f"[{i}] {paper}" for i, paper in enumerate(papers, 1)]


def _label(kind: Kind, kinds: Sequence[Kind]) -> str:
    """Name a printed row by its method, and by its backbone where the table has several."""
    method, few, backbone, _ = kind
    several = sum(other[:2] == kind[:2] for other in kinds) > 1
    words = [method, f"({few})" * bool(few), backbone * several]
    return f"{' '.join(filter(None, words))}, printed"


def _printed(
    label: str,
    row: dict[str, Reference],
    papers: Sequence[str],
    columns: Sequence[Sequence[str]],
) -> Row:
    marks = {task: f"[{papers.index(cite(n)) + 1}]" for task, n in row.items()}
    if len(distinct := set(marks.values())) == 1:
        label += f" {min(distinct)}"
        marks = {}
    return Row(label, 2, tuple(_average(row, averaged, marks) for averaged in columns), "")


def _average(row: dict[str, Reference], tasks: Sequence[str], marks: dict[str, str]) -> Cell:
    """Return one number with all its printed digits, or the mean of several from one paper."""
    if any(task not in row for task in tasks) or len({marks.get(task) for task in tasks}) > 1:
        return Cell()
    numbers = [row[task] for task in tasks]
    if len(numbers) > 1:
        return Cell(fmean(n.value for n in numbers), alike=any(n.alike for n in numbers))
    [n] = numbers
    digits = len(str(n.value).partition(".")[2])
    return Cell(n.value, n.std, digits, alike=n.alike, cite=marks.get(tasks[0], ""))
