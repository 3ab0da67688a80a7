"""Columns of a table that say what a run cost. Does not import torch."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from statistics import median
from typing import Any

from da.results import table_render
from da.results.aggregate import Line, Runs
from da.results.records import Record
from da.results.table_render import Cell, Table

COST = "seconds a run", "images/s"
"""Heads of the columns of costs."""


def add_cost(table: Table, rows: dict[Line, Runs]) -> Table:
    """Add the median cost of a run, in two columns, or in two for each machine.

    Two are enough where each row is of a single machine: the costs of those machines that have
    fewer rows than the first are marked.

    Args:
        table: Table of averages over tasks.
        rows: Records of its rows.
    """
    taken = {line.marked_label: costs(runs.values()) for line, runs in rows.items()}
    counts = Counter(machine for each in taken.values() for machine in each)
    machines = [machine for machine, _ in counts.most_common()]
    if max(map(len, taken.values())) > 1:
        named = {machine: f"[{i}] " for i, machine in enumerate(machines, 1)}
        pairs = [{machine: ""} for machine in machines]
        heads = [f"{mark}{head}" for mark in named.values() for head in COST]
    else:
        named = {machine: f"[{i}] " if i else "" for i, machine in enumerate(machines)}
        pairs, heads = [named], [*COST]
    full = []
    for row in table.rows:
        added = [cell for pair in pairs for cell in _cost(taken[row.label], pair)]
        full.append(replace(row, cells=(*row.cells, *added)))
    where = "; ".join(f"{mark}{machine}" for machine, mark in named.items())
    note = f"cost: medians over runs on {where}; runs side by side slow one another"
    steps = "images/s: of steps alone, without start, closed-form mapping and evaluations"
    notes = (*table.notes, note, steps)
    return replace(table, heads=(*table.heads, *heads), rows=tuple(full), notes=notes)


def _cost(taken: Mapping[str, tuple[float, float]], marks: Mapping[str, str]) -> tuple[Cell, Cell]:
    """Return cells for the seconds of a run and its images per second on one of the machines.

    Args:
        taken: Costs on each machine that the row has runs of.
        marks: Mark of each machine that belongs to the cells; they are empty without a cost on one.
    """
    for machine in taken.keys() & marks.keys():
        (seconds, images), mark = taken[machine], marks[machine].strip()
        digits = table_render.significant_digits(seconds, 1)
        return Cell(seconds, digits=digits, cite=mark), Cell(images, digits=0, cite=mark)
    return Cell(), Cell()


def costs(runs: Iterable[Mapping[Any, Record]]) -> dict[str, tuple[float, float]]:
    """Return the median seconds of a run and images per second, for each machine.

    Runs of all columns count, each of them once.
    """
    found: dict[str, dict[str, Record]] = defaultdict(dict)
    for by_seed in runs:
        for r in by_seed.values():
            about = [r.environment.get(key) for key in ("machine", "device")]
            found[", ".join(filter(None, about)) or "an unknown machine"][r.id] = r
    return {
        machine: (
            median(r.seconds for r in each.values()),
            median(r.images_per_second for r in each.values()),
        )
        for machine, each in found.items()
    }
