"""Rows of a table with numbers printed in papers, below our rows. Does not import torch."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import product
from statistics import fmean
from typing import NamedTuple

from da.config.validation import is_run_id
from da.results.aggregate import Line, Runs
from da.results.literature.averages import average_reference
from da.results.literature.lookup import Reference, reference
from da.results.literature.printed import VARIANTS
from da.results.printed_differences import describe_differences, difference_row
from da.results.records import Record
from da.results.table_render import Cell, Row

Rows = Mapping[Line, Runs]

ONLINE = " (online)"
"""End of the method of a row of predictions made while images arrived."""

FROM_SCRATCH = "lenet", "identity", "wide_resnet28_10"
"""Backbones that papers train from random weights."""

Kind = tuple[str, str, str, bool]
"""Method, few labels, backbone, and whether the backbone was trained on the task."""

BASES = {name: method for (method, *_), name in VARIANTS.items()}
"""Methods of ours by the names of their variants."""

Column = tuple[str, ...]
"""Tasks that a column averages over."""


def reference_for(
    line: Line, task: str, rows: Rows, metric: str = "accuracy", papers: Sequence[str] = ()
) -> Reference | None:
    """Return the printed number to compare a row with on a task, or None if there is none.

    Args:
        line: Row of the table.
        task: Column of the table.
        rows: All rows, among them those of runs that others begin with.
        metric: What the table shows.
        papers: Papers whose numbers count; empty for the usual ones.
    """
    kind = _kind(line, task, rows)
    return _on_task(kind, task, metric, papers) if kind else None


def _on_task(kind: Kind, task: str, metric: str, papers: Sequence[str]) -> Reference | None:
    """Return the printed number of a kind of run on a task, or None."""
    method, few, backbone, trained = kind
    if method.endswith(ONLINE) and metric == "accuracy":
        method, metric = method.removesuffix(ONLINE), "online"
    name = f"{task}+{few.replace('-', '')}" if few else task
    return reference(method, name, backbone, trained=trained, metric=metric, papers=papers)


def _kind(line: Line, task: str, rows: Rows) -> Kind | None:
    """Return what the runs of a row on a task are, or None if no printed run is like them."""
    if (record := next(iter(rows[line].get(task, {}).values()), None)) is None:
        return None
    settings = record.settings
    backbone, trained = str(settings.get("backbone", "")), _trains(record, rows)
    anew = settings.get("init") == "random" and backbone not in FROM_SCRATCH
    if anew or settings.get("test"):
        return None
    of_settings = [name for key, name in VARIANTS.items() if key in _values(line.method, settings)]
    return next(iter(of_settings), line.method), line.few, backbone, trained


def _values(method: str, settings: Mapping[str, object]) -> list[tuple[str, str, object]]:
    return [(method, key, value) for key, value in settings.items() if key[:3] == "hp."]


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


class Printed(NamedTuple):
    """Printed numbers of the rows of a table, whatever chooses our evaluations."""

    columns: Sequence[Sequence[str]]
    """Tasks that each column averages over."""
    numbers: Mapping[Kind, Mapping[Column, list[Reference]]]
    """Numbers of each method and backbone, by column."""
    lines: Mapping[Kind, Mapping[Line, None]]
    """Our rows that they are compared with."""


def find_printed(
    rows: Rows,
    columns: Sequence[Sequence[str]],
    metric: str = "accuracy",
    papers: Sequence[str] = (),
) -> Printed:
    """Find the printed numbers of the rows of a table.

    Args:
        rows: Records of our rows.
        columns: Tasks that each column averages over.
        metric: What the table shows.
        papers: Papers whose numbers count; empty for the usual ones.
    """
    found: dict[Kind, dict[Column, list[Reference]]] = defaultdict(dict)
    lines: dict[Kind, dict[Line, None]] = defaultdict(dict)
    for line, column in product(rows, map(tuple, columns)):
        if kind := _kind_of_all(line, column, rows):
            lines[kind][line] = None
            if numbers := _numbers(kind, column, metric, papers):
                found[kind][column] = numbers
    return Printed(columns, found, lines)


def reference_rows(ours: Mapping[Line, Row], theirs: Printed) -> tuple[list[Row], list[str]]:
    """Return a row of printed numbers for each method and backbone, and their footnotes.

    Below each stands the difference of our rows from it.

    Args:
        ours: Our rows as the table shows them.
        theirs: Printed numbers of these rows.
    """
    columns, found, lines = theirs
    every = [n for row in found.values() for numbers in row.values() for n in numbers]
    cited = list(dict.fromkeys(map(cite, every)))
    shown = []
    for kind, by_column in found.items():
        cells = [by_column.get(tuple(column), []) for column in columns]
        printed = _printed(_label(kind, list(found)), cells, cited)
        apart = (difference_row(ours[line], printed) for line in lines[kind])
        shown += [printed, *filter(None, apart)]
    notes = describe_differences(shown)
    notes += [f"≈ {reason}" for reason in dict.fromkeys(n.differs for n in every if n.alike)]
    return shown, notes + [f"[{i}] {paper}" for i, paper in enumerate(cited, 1)]


def _kind_of_all(line: Line, column: Column, rows: Rows) -> Kind | None:
    """Return what the runs of a row on all tasks of a column are, or None where they differ."""
    kinds = {_kind(line, task, rows) for task in column}
    return kinds.pop() if len(kinds) == 1 else None


def _numbers(kind: Kind, column: Column, metric: str, papers: Sequence[str]) -> list[Reference]:
    """Return the printed numbers of a column: of each task by one paper, or a printed average."""
    each = [_on_task(kind, task, metric, papers) for task in column]
    found = [number for number in each if number]
    if len(found) == len(column) and len({*map(cite, found)}) == 1:
        return found
    if found or len(column) == 1:
        return []
    method, few, backbone, trained = kind
    average = average_reference(method, column, backbone, trained, metric, papers)
    return [average] if average and not few else []


def _label(kind: Kind, kinds: Sequence[Kind]) -> str:
    """Name a printed row by its method, and by its backbone where the table has several."""
    method, few, backbone, _ = kind
    plain = BASES.get(method, method)
    alike = {other[0] for other in kinds if BASES.get(other[0], other[0]) == plain}
    several = sum(other[:2] == kind[:2] for other in kinds) > 1
    words = [plain if len(alike) == 1 else method, f"({few})" * bool(few), backbone * several]
    return f"{' '.join(filter(None, words))}, printed"


def _printed(label: str, columns: Sequence[list[Reference]], cited: Sequence[str]) -> Row:
    """Return a row of printed numbers, which names their paper once or in each cell."""
    marks = {cite(n): f"[{cited.index(cite(n)) + 1}]" for numbers in columns for n in numbers}
    if len(marks) == 1:
        label += f" {min(marks.values())}"
        marks = {}
    return Row(label, 2, tuple(_cell(numbers, marks) for numbers in columns), "")


def _cell(numbers: list[Reference], marks: Mapping[str, str]) -> Cell:
    """Return one number with all its printed digits, or the mean of several from one paper."""
    if not numbers:
        return Cell()
    if len(numbers) > 1:
        return Cell(fmean(n.value for n in numbers), alike=any(n.alike for n in numbers))
    [n] = numbers
    digits = len(str(n.value).partition(".")[2])
    return Cell(n.value, n.std, digits, alike=n.alike, cite=marks.get(cite(n), ""))
