"""Which row and which column of a table a record stands in. No torch."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from da.published import split_task
from da.records import Record


@dataclass(frozen=True)
class Line:
    """Which row a run belongs to."""

    label: str
    method: str
    """Its file's name, or `target_only`: `source_only` from a domain to itself."""
    shots: int

    @property
    def labels(self) -> bool:
        """Whether its runs were shown target labels."""
        return self.shots > 0 or self.method == "target_only"


Runs = dict[str, dict[Any, Record]]
"""Records of one row, by column and seed; a column is a task."""

Kind = tuple[str, int]
"""Method and shots: rows of one kind differ in settings only."""


def gather(records: Sequence[Record]) -> dict[Line, Runs]:
    """Sort records into rows and columns; rows with target labels come last.

    Those stand in the columns of the others: shots in the column of the task without them, a run
    from a domain to itself in every column with that target. Where there are no such columns they
    are ordinary rows, each run in the column of its own task.
    """
    fair = [_task(r) for r in records if not _is_target_only(r)]
    columns = list(dict.fromkeys(_without_shots(task) for task in fair))
    if set(columns) & set(fair):
        placed = [(r, *_place(r, columns)) for r in records]
    else:
        placed = [(r, (r.settings["method"], 0), [_task(r)]) for r in records]
    labels = _labels([(r, kind) for r, kind, _ in placed])
    rows: dict[Line, Runs] = defaultdict(lambda: defaultdict(dict))
    for (r, kind, here), label in zip(placed, labels, strict=True):
        for column in here:
            rows[Line(label, *kind)][column][r.settings.get("seed", 0)] = r
    kinds = list(dict.fromkeys(kind for _, kind, _ in placed))

    def order(line: Line) -> tuple[bool, bool, int]:
        return line.labels, line.method == "target_only", kinds.index((line.method, line.shots))

    return {line: dict(rows[line]) for line in sorted(rows, key=order)}


def tasks(rows: dict[Line, Runs]) -> list[str]:
    """Every column, those with one source side by side."""
    found = list(dict.fromkeys(task for row in rows.values() for task in row))
    return [task for group in by_source(found).values() for task in group]


def by_source(tasks: Sequence[str]) -> dict[str, list[str]]:
    """Tasks of each `BENCHMARK:SOURCE`, in the order in which they come."""
    groups: dict[str, list[str]] = defaultdict(list)
    for task in tasks:
        benchmark, source, *_ = split_task(task)
        groups[f"{benchmark}:{source}"].append(task)
    return dict(groups)


def _place(r: Record, columns: list[str]) -> tuple[Kind, list[str]]:
    """Kind of a record, and the columns that it stands in."""
    benchmark, _, target, shots = split_task(_task(r))
    if _is_target_only(r):
        ends = [(column, split_task(column)) for column in columns]
        here = [column for column, end in ends if (end[0], end[2]) == (benchmark, target)]
        if here:
            return ("target_only", shots), here
    return (r.settings["method"], shots), [_without_shots(_task(r))]


def _labels(placed: list[tuple[Record, Kind]]) -> list[str]:
    """Name of each record's row: its method, and every setting that varies within its kind."""
    keys = dict.fromkeys(key for r, _ in placed for key in r.settings)
    named = [key for key in keys if key not in ("method", "task", "seed")]
    values: dict[tuple[Kind, str], set[str]] = defaultdict(set)
    for r, kind in placed:
        for key in named:
            values[kind, key].add(json.dumps(r.settings.get(key), sort_keys=True))
    labels = []
    for r, (method, shots) in placed:
        vary = [k for k in named if len(values[(method, shots), k]) > 1 and k in r.settings]
        words = [method, *(f"{key.removeprefix('hp.')}={r.settings[key]}" for key in vary)]
        labels.append(" ".join([*words, f"({shots}-shot)"] if shots else words))
    return labels


def _task(r: Record) -> str:
    return str(r.settings["task"])


def _without_shots(task: str) -> str:
    return task.rpartition("+")[0] if split_task(task)[3] else task


def _is_target_only(r: Record) -> bool:
    _, source, target, _ = split_task(_task(r))
    return r.settings["method"] == "source_only" and source == target
