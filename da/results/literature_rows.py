"""Rows of a table with numbers printed in papers, below our rows. Does not import torch."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from statistics import fmean

from da.results.aggregate import Line
from da.results.literature.lookup import Reference, reference
from da.results.table_render import Cell, Row


def reference_for(line: Line, task: str) -> Reference | None:
    """Return the printed number to compare a row with on a task.

    Return None if there is no such number, and for rows with few labels.
    """
    return None if line.few else reference(line.method, task)


def cite(number: Reference) -> str:
    """Return paper, backbone and place of a printed number."""
    return f"{number.paper}, {number.backbone}; {number.where}"


def reference_rows(
    lines: Iterable[Line], tasks: Sequence[str], columns: Sequence[Sequence[str]]
) -> tuple[list[Row], list[str]]:
    """Return a row of printed numbers for each method that has any, and their footnotes.

    Args:
        lines: Rows of the table.
        tasks: All tasks of the table.
        columns: Tasks that each column averages over.
    """
    found: dict[str, dict[str, Reference]] = defaultdict(dict)
    for line, task in product(lines, tasks):
        if number := reference_for(line, task):
            found[line.method][task] = number
    numbers = [number for row in found.values() for number in row.values()]
    papers = list(dict.fromkeys(map(cite, numbers)))
    rows = []
    for method, row in found.items():
        marks = {task: f"[{papers.index(cite(n)) + 1}]" for task, n in row.items()}
        distinct = set(marks.values())
        label = f"{method}, printed"
        if len(distinct) == 1:
            label += f" {min(distinct)}"
            marks = {}
        cells = [_average(row, averaged, marks) for averaged in columns]
        rows.append(Row(label, 2, tuple(cells), ""))
    notes = [f"≈ {reason}" for reason in dict.fromkeys(n.differs for n in numbers if n.alike)]
    return rows, notes + [f"[{i}] {paper}" for i, paper in enumerate(papers, 1)]


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
