"""Choosers by several scores: gates and mean ranks."""

import pytest
from scipy.stats import rankdata

from da.config.fine_tuning import FineTuning
from da.results.choosers import check_chooser, choose, list_scores, score_points
from da.results.records import Record
from da.results.tables import render_table
from tests.results.test_tables import STYLES, record

KNOWN = "last", "source_accuracy", "entropy", "infomax", "entropy/size", "oracle"


def points(**scores: list[float]) -> list[dict[str, float]]:
    return [dict(zip(scores, values, strict=True)) for values in zip(*scores.values(), strict=True)]


def test_gate_drops_what_is_below_nine_tenths_of_the_best_source_accuracy() -> None:
    pool = points(source_accuracy=[100, 90, 89.9], entropy=[-3.0, -2.0, -1.0])
    assert score_points(pool, "entropy+gate") == [-3, -2, float("-inf")]
    assert (choose(pool, "entropy"), choose(pool, "entropy+gate")) == (2, 1)


def test_several_scores_choose_by_their_mean_rank() -> None:
    scores = {"entropy": [5.0, 1.0, 4.0, 4.0], "infomax": [0.1, 0.4, 0.3, 0.2]}
    expected = (rankdata(scores["entropy"]) + rankdata(scores["infomax"])) / 2
    assert score_points(points(**scores), "entropy+infomax") == pytest.approx(expected)
    assert choose(points(**scores), "entropy+infomax") == 2


def test_gate_drops_evaluations_before_the_others_are_ranked() -> None:
    pool = points(source_accuracy=[50, 99, 98], a=[2.0, 1.0, 3.0], b=[1.0, 3.0, 2.0])
    assert score_points(pool, "a+b+gate") == [float("-inf"), 1.5, 1.5]


def test_evaluation_without_a_score_is_the_worst_and_of_equal_ones_the_latest_is_chosen() -> None:
    pool = [{"a": 1.0}, {}, {"a": float("nan")}, {"a": 1.0}, {"a": -5.0}]
    assert choose(pool, "a") == 3
    assert score_points(pool, "a")[1:3] == [float("-inf")] * 2


def test_label_column_stands_last() -> None:
    assert list_scores("entropy+gate/size") == ["entropy/size", "source_accuracy/size"]
    pool = [
        {"a/size": 1.0, "source_accuracy/size": 9.0},
        {"a/size": 2.0, "source_accuracy/size": 1},
    ]
    assert choose(pool, "a+gate/size") == 0


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("entropy+nothing", "unknown selector 'nothing' in 'entropy\\+nothing', known: last, "),
        ("nothing", "unknown selector 'nothing', known: last, source_accuracy, "),
        ("gate", "'gate' needs a score to choose by, as in infomax\\+gate"),
        ("oracle+gate", "oracle chooses alone"),
        ("entropy+entropy", "a part stands twice"),
        ("infomax+gate/size", "unknown selector 'infomax/size' in"),
        ("entropy+", "unknown selector '' in"),
    ],
)
def test_wrong_names_say_what_is_known(name: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        check_chooser(name, KNOWN)


def test_tables_and_records_choose_by_several_scores() -> None:
    curve = points(
        step=[100, 200], target_accuracy=[60, 40], source_accuracy=[90, 50], entropy=[-2.0, -1.0]
    )
    found = Record("0" * 12, record("dann", STYLES[0], 0).settings, curve, 1.0)
    assert found.point("entropy+gate")["step"] == 100
    assert "60.0" in render_table([found], ("entropy+gate",), "markdown")
    assert "| 40.0 | 60.0 |" in render_table([found], ("entropy", "entropy+gate"), "markdown")
    with pytest.raises(ValueError, match="record 000000000000 has no snd"):
        found.point("snd+gate")


def test_a_run_keeps_weights_by_one_score_alone() -> None:
    with pytest.raises(ValueError, match="chosen_by of a run is one score, not"):
        FineTuning(chosen_by="infomax+gate")
