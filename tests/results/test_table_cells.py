"""Intervals in the cells of tables."""

import csv
import io

import pytest

from da.results.tables import build_table, render_table
from da.statistics.intervals import over_seeds, over_tasks
from tests.results.test_tables import EMOJI, STYLES, cells, record, twenty


def few() -> list:
    accuracies = {STYLES[0]: (50.0, 52.0, 57.0), STYLES[1]: (60.0, 61.0, 62.0)}
    return [record("dann", t, a, i) for t, each in accuracies.items() for i, a in enumerate(each)]


def test_means_have_intervals_over_seeds_and_averages_over_tasks_too() -> None:
    table = build_table(few(), interval=True)
    row = cells(table)["dann"]
    assert str(row["noto-twemoji"]) == "53.0 [44.0, 62.0]"
    values = row["average"].values
    assert values.tolist() == [[50, 52, 57], [60, 61, 62]]
    assert row["average"].intervals == (over_seeds(values), over_tasks(values))
    assert table.title.endswith("mean [95 % interval over seeds] [over tasks]")
    assert [note[:6] for note in table.notes[-2:]] == ["95 % i", "second"]
    assert "±" not in render_table(few(), interval=True)


def test_one_seed_has_no_interval_over_seeds() -> None:
    text = render_table([r for r in few() if r.settings["seed"] == 0], interval=True)
    assert " 50.0 [-] " in text
    assert "55.0 [-] [0.0, 100.0]" in text


@pytest.mark.parametrize("style", ["markdown", "latex"])
def test_other_formats_have_them_too(style: str) -> None:
    assert "53.0 [44.0, 62.0]" in render_table(few(), format=style, interval=True)


def test_csv_has_their_ends_and_lines_of_averages() -> None:
    usual, text = (render_table(twenty(), format="csv", interval=shown) for shown in (False, True))
    assert "average" not in usual
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 3 * len(EMOJI) + 3
    assert (lines[0]["low"], lines[0]["high"]) == ("18.5159", "23.4841")
    found = {line["method"]: line for line in lines if line["task"] == "average"}
    assert {name: line["best"] for name, line in found.items()} == {
        "source_only": "no",
        "subspace_alignment": "no",
        "mcc": "yes",
    }
    assert found["mcc"]["mean"] == "59.7000"
    assert float(found["mcc"]["low_over_tasks"]) < float(found["mcc"]["low"]) < 59.7


def test_scores_of_runs_without_accuracy_have_intervals_that_nothing_cuts() -> None:
    records = few()
    for r in records:
        r.curve[0]["snd"] = -r.curve[0].pop("target_accuracy") / 100
    assert "-0.570 [-0.627, -0.513] [-0.963, -0.177]" in render_table(records, interval=True)
