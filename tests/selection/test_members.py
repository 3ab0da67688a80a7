"""Evaluations whose weights runs keep."""

from da.results.records import Record
from da.selection.members import kept_point


def test_an_evaluation_without_the_score_is_not_the_kept_one() -> None:
    curve = [{"step": 1, "snd": 0.5}, {"step": 2, "snd": 0.5}, {"step": 3}]
    assert kept_point(Record("0" * 12, {"chosen_by": "snd"}, curve, 1.0)) == curve[0]
    assert kept_point(Record("0" * 12, {}, curve, 1.0)) == curve[2]
