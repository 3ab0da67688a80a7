"""Rows that are not separable from the best are marked with it."""

from itertools import product
from typing import Any

import pytest

from da.results.best_rows import mark_best
from da.results.table_render import Row, Table
from da.results.tables import build_table, render_table
from tests.results.test_tables import EMOJI, STYLES, record

ALIKE = "average: the best and all rows not separable from it are marked (20 tasks, signed ranks"
FEW = "2 tasks are too few to tell 2 rows apart: the best alone is marked"


def sweep(tasks: list[str], **gains: float) -> list[Any]:
    """Rows whose gains alternate around their mean from task to task, by 4 points."""
    return [
        record(method, task, 50 + i + gain + (-2 if i % 2 else 2) * (method != "low"))
        for (i, task), (method, gain) in product(enumerate(tasks), gains.items())
    ]


def marked(table: Table, head: str) -> list[str]:
    column = table.heads.index(head)
    return [row.label for row in table.rows if row.cells[column].best]


def test_the_best_average_stands_with_the_rows_that_20_tasks_do_not_tell_from_it() -> None:
    records = sweep(EMOJI, low=-1.0, dann=0.0, mcc=-9.0)
    table = build_table(records)
    assert marked(table, "average") == ["low", "dann"]
    assert marked(table, "noto-twemoji") == ["dann"]
    assert any(note.startswith(ALIKE) for note in table.notes)
    assert marked(build_table(records, ["last", "snd"]), "snd") == ["low", "dann"]


def test_of_an_error_the_lowest_is_the_best_and_the_same_rows_stand_with_it() -> None:
    table = build_table(sweep(EMOJI, low=-1.0, dann=0.0, mcc=-9.0))
    assert marked(mark_best(table, min), "average") == ["mcc"]


def test_too_few_tasks_tell_nothing_and_the_note_says_so() -> None:
    table = build_table(sweep(STYLES, low=-9.0, dann=0.0))
    assert marked(table, "average") == ["dann"]
    assert FEW in table.notes


def test_rows_with_target_labels_are_not_compared() -> None:
    records = sweep(EMOJI, low=-1.0, dann=0.0)
    shots = [record("fine_tune", f"{task}+3shot", 51 + i) for i, task in enumerate(EMOJI)]
    table = build_table([*records, *shots])
    assert marked(table, "average") == ["low", "dann"]
    without = build_table(sweep(EMOJI, dann=0.0))
    assert not any("marked" in note for note in without.notes)


@pytest.mark.parametrize(
    ("style", "mark"),
    [("terminal", "50.0*"), ("markdown", "**50.0**"), ("latex", "\\textbf{50.0}")],
)
def test_every_format_marks_all_of_them(style: str, mark: str) -> None:
    records = sweep([f"moons:{i}-{i + 1}" for i in range(8)], low=-3.5, dann=-3.5, mcc=-30.0)
    assert render_table(records, ["last", "snd"], style).count(mark) == 4


def test_a_column_without_numbers_of_runs_has_its_best_as_before() -> None:
    table = build_table(sweep(EMOJI, low=-1.0, dann=0.0))
    bare = tuple(Row(row.label, 0, row.cells[:1], "1") for row in table.rows)
    assert marked(mark_best(Table("t", ("a",), bare, ()), max), "a") == ["dann"]
