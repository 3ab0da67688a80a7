"""Tables of the page: one for each selector, and one with a column for each."""

from collections.abc import Sequence
from math import inf
from typing import Any

from da.results.aggregate import has_accuracy
from da.results.records import Record
from da.results.table_cells import PERCENT, show_intervals
from da.results.table_render import Group, Table
from da.results.tables import build_tables


def collect_tables(
    records: Sequence[Record],
    selectors: Sequence[str],
    wanted: Sequence[Record] | None = None,
    papers: Sequence[str] = (),
) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the table of `da table --chosen-by` for each selector, by name, and one for all.

    The latter is None where targets have no labels.

    Args:
        records: Records of the runs so far.
        selectors: What can choose the evaluation of each run.
        wanted: A record of every run of the experiment, as in `build_table`.
        papers: Papers whose numbers count, as in `build_table`.
    """
    is_tested = all(map(has_accuracy, records))
    limits = PERCENT if is_tested else (-inf, inf)
    choosers = [*([name] for name in selectors), *[selectors] * is_tested]
    tables = build_tables(records, choosers, wanted, papers)
    each = {
        name: describe_table(table) | {"interval": _describe_texts(show_intervals(table, limits))}
        for name, table in zip(selectors, tables, strict=False)
    }
    return each, describe_table(tables[-1]) if is_tested else None


def describe_table(table: Table) -> dict[str, Any]:
    """Return a table as the page reads it: texts of cells, and which of them are marked."""
    groups = table.groups or (Group("method", tuple(range(len(table.heads))), table.heads),)
    return _describe_texts(table) | {
        "heads": table.heads,
        "groups": [_describe_group(group) for group in groups],
        "labels": [row.label for row in table.rows],
        "sections": [row.section for row in table.rows],
        "seeds": [row.seeds for row in table.rows],
        "best": [[i for i, cell in enumerate(row.cells) if cell.best] for row in table.rows],
    }


def _describe_texts(table: Table) -> dict[str, Any]:
    """Return what of a table depends on whether it has deviations or intervals."""
    cells = [[str(cell) for cell in row.cells] for row in table.rows]
    return {"title": table.title, "notes": table.notes, "cells": cells}


def _describe_group(group: Group) -> dict[str, Any]:
    """Return a group of columns; the average of all comes first, where a phone shows it."""
    pairs = zip(group.heads, group.columns, strict=True)
    heads, columns = zip(*sorted(pairs, key=lambda pair: pair[0] != "all"), strict=True)
    return {"stub": group.stub, "columns": columns, "heads": heads}
