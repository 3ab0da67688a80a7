"""Tables of runs with several label columns."""

import csv
from dataclasses import replace

import pytest

from da.results import records
from da.results.label_columns import describe_columns, list_columns
from da.results.records import Point, Record
from da.results.tables import build_table, header_and_rows, render_table

TASK = "emoji:noto-twemoji"


def point(step: float, **of: tuple[float, float]) -> Point:
    """An evaluation with an accuracy and a score of each column."""
    found: Point = {"step": step}
    for name, (accuracy, score) in of.items():
        end = "" if name == "own" else f"/{name}"
        found |= {f"target_accuracy{end}": accuracy, f"bnm{end}": score, f"loss/task{end}": 1.0}
    return found


def record(row: str, names: tuple[str, ...], *curve: Point) -> Record:
    settings = {"method": "dann", "task": TASK, "seed": 0, "label_columns": names, "row": row}
    return Record(f"{row}{names}", settings, [*curve], 1.0)


BOTH = record(
    "both",
    ("class", "subgroup"),
    point(1, own=(60, 0.2), subgroup=(50, 0.9), mean=(55, 0.5)),
    point(2, own=(70, 0.3), subgroup=(20, 0.1), mean=(45, 0.2)),
)
ALONE = record("class alone", ("class",), point(2, own=(68, 0.4)))
FINE = record("subgroup alone", ("subgroup",), point(2, own=(25, 0.4)))
PLAIN = record("plain", (), point(2, own=(66, 0.4)))
ALL = [BOTH, ALONE, FINE, PLAIN]


def shown(found: list[Record], *chosen_by: str) -> dict[str, list[str]]:
    table = build_table(found, chosen_by or ("last",), label_columns=True)
    assert table.heads == ("class", "subgroup", "mean")
    return {label: cells for label, *cells, _ in header_and_rows(table)[1]}


def test_a_table_has_a_column_for_each_and_their_mean() -> None:
    assert shown(ALL) == {
        "both": ["70.0", "20.0", "45.0"],
        "class alone": ["68.0", "", ""],
        "subgroup alone": ["", "25.0", ""],
        "plain": ["66.0", "", ""],
    }


@pytest.mark.parametrize(
    ("chosen_by", "expected"),
    [
        ("bnm", ["70.0", "20.0", "45.0"]),
        ("bnm/subgroup", ["60.0", "50.0", "55.0"]),
        ("bnm/mean", ["60.0", "50.0", "55.0"]),
        ("oracle", ["70.0", "20.0", "45.0"]),
        ("oracle/mean", ["60.0", "50.0", "55.0"]),
    ],
)
def test_one_evaluation_is_chosen_for_all_columns(chosen_by: str, expected: list[str]) -> None:
    assert shown([BOTH], chosen_by)["both"] == expected


def test_the_mean_of_one_column_is_that_one() -> None:
    assert shown(ALL, "bnm/mean")["class alone"] == ["68.0", "", ""]
    with pytest.raises(ValueError, match="unknown selector 'bnm/subgroup'"):
        build_table(ALL, ("bnm/subgroup",), label_columns=True)


def test_the_usual_table_is_of_the_class_and_says_so() -> None:
    text = render_table(ALL)
    assert "of its first label column; --label-columns shows class, subgroup, mean" in text
    assert "--label-columns shows class, subgroup\n" in render_table([ALONE, FINE])
    assert "label-columns" not in render_table([ALONE, PLAIN])


def test_csv_has_a_line_for_each_column() -> None:
    lines = [*csv.DictReader(render_table(ALL, format="csv").splitlines())]
    means = {(line["method"], line["label_column"]): line["mean"] for line in lines}
    assert means["both", "subgroup"] == "20.0000"
    assert means["both", "mean"] == "45.0000"
    assert means["class alone", "subgroup"] == ""
    assert "label_column" not in render_table([ALONE, PLAIN], format="csv")


def test_what_no_run_has_is_refused() -> None:
    with pytest.raises(ValueError, match="leave --label-columns out"):
        build_table([ALONE], label_columns=True)
    with pytest.raises(ValueError, match="unknown selector 'bnm/color'"):
        build_table([BOTH], ("bnm/color",))
    with pytest.raises(ValueError, match="need one selector, not last, bnm"):
        build_table([BOTH], ("last", "bnm"), label_columns=True)


def test_details_are_left_out_and_columns_stay(tmp_path) -> None:
    id = "0" * 12
    records.save(replace(BOTH, id=id), tmp_path)
    (kept,) = records.load_sound(tmp_path, None, details=False)[0]
    assert {key.partition("/")[0] for key in kept.curve[0]} == {"step", "target_accuracy", "bnm"}
    assert "bnm/mean" in kept.curve[0]


def test_a_line_names_the_accuracy_of_each_column() -> None:
    found = describe_columns(BOTH.curve[-1], ("class", "subgroup"))
    assert found == "subgroup 20.0 %, mean 45.0 %"
    assert describe_columns(point(1, own=(1, 1), online=(2, 2)), ()) == ""
    assert list_columns([ALONE, PLAIN]) == []
