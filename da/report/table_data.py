"""Tables of the page: one for each selector, and one with a column for each."""

from collections.abc import Sequence
from typing import Any

from da.results.records import Record
from da.results.table_render import Group, Table
from da.results.tables import build_table


def collect_tables(
    records: Sequence[Record],
    selectors: Sequence[str],
    wanted: Sequence[Record] | None = None,
    papers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the table of `da table --chosen-by` for each selector, by its name.

    Args:
        records: Records of the runs so far.
        selectors: What can choose the evaluation of each run.
        wanted: A record of every run of the experiment, as in `build_table`.
        papers: Papers whose numbers count, as in `build_table`.
    """
    return {
        name: describe_table(build_table(records, [name], wanted, papers=papers))
        for name in selectors
    }


def describe_table(table: Table) -> dict[str, Any]:
    """Return a table as the page reads it: texts of cells, and which of them are the best."""
    groups = table.groups or (Group("method", tuple(range(len(table.heads))), table.heads),)
    return {
        "title": table.title,
        "heads": table.heads,
        "groups": [_describe_group(group) for group in groups],
        "labels": [row.label for row in table.rows],
        "sections": [row.section for row in table.rows],
        "seeds": [row.seeds for row in table.rows],
        "cells": [[str(cell) for cell in row.cells] for row in table.rows],
        "best": [[i for i, cell in enumerate(row.cells) if cell.best] for row in table.rows],
        "notes": table.notes,
    }


def _describe_group(group: Group) -> dict[str, Any]:
    """Return a group of columns; the average of all comes first, where a phone shows it."""
    pairs = zip(group.heads, group.columns, strict=True)
    heads, columns = zip(*sorted(pairs, key=lambda pair: pair[0] != "all"), strict=True)
    return {"stub": group.stub, "columns": columns, "heads": heads}
