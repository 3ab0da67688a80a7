"""The column that counts tasks on which adaptation did harm."""

from da.results.table_render import Table
from da.results.tables import build_table, render_table
from tests.results.test_tables import record


def below(table: Table) -> dict[str, str]:
    """The last column of a table."""
    return {row.label: row.cells[-1].number for row in table.rows}


def rows(*numbers: tuple[str, float, float], end: str = "") -> list:
    tasks = f"emoji:noto-twemoji{end}", f"emoji:noto-fluent{end}"
    return [
        record(method, task, reached)
        for method, *each in numbers
        for task, reached in zip(tasks, each, strict=True)
    ]


def test_it_counts_tasks_on_which_the_mean_is_lower_than_that_of_source_only():
    table = build_table(rows(("source_only", 50, 40), ("dann", 49, 39), ("mcc", 50, 60)))
    assert below(table) == {"source_only": "", "dann": "2", "mcc": "0"}
    assert not any(row.cells[-1].best for row in table.rows)
    assert "below: of 2 tasks, those on which the mean is worse than source_only's" in table.notes


def test_rows_with_few_labels_are_compared_with_the_baseline_that_saw_as_many():
    plain = rows(("source_only", 50, 40), ("dann", 60, 30))
    few = rows(("source_only", 70, 70), ("dann", 65, 80), ("fine_tune", 60, 60), end="+3shot")
    assert below(build_table([*plain, *few])) == {
        "source_only": "",
        "dann": "1",
        "source_only (3-shot) †": "",
        "dann (3-shot) †": "1",
        "fine_tune (3-shot) †": "2",
    }


def test_without_a_baseline_on_all_tasks_there_is_no_such_column():
    assert "below" not in build_table(rows(("dann", 60, 50), ("mcc", 60, 50))).heads
    half = rows(("source_only", 60, 50))[:1]
    assert "below" not in build_table([*half, *rows(("dann", 60, 50))]).heads
    assert "below" not in render_table(rows(("source_only", 60, 50), ("dann", 50, 50))[::2])


def test_of_an_error_the_higher_is_below():
    runs = rows(("source_only", 50, 50), ("tent", 50, 50), end="+stream")
    for run, error in zip(runs, (20.0, 20.0, 25.0, 10.0), strict=True):
        run.curve[-1]["metric/online_error"] = error
    assert below(build_table(runs, metric="online_error")) == {"source_only": "", "tent": "1"}
