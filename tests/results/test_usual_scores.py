"""Of many scores, lists show the usual, the user's and those that chose."""

from da.results.records import Record
from da.results.usual_scores import keep_usual

SCORES = "dev", "few_shot", "infomax", "mano", "mine"


def chosen_by(name: str) -> Record:
    return Record("0" * 12, {"method": "dann", "task": "moons:0-40", "chosen_by": name}, [], 1.0)


def test_the_usual_and_the_users_own_are_shown():
    assert keep_usual(SCORES, [chosen_by("last")]) == ["infomax", "mine"]


def test_a_score_that_chose_a_run_is_shown():
    assert keep_usual(SCORES, [chosen_by("last"), chosen_by("dev")]) == ["dev", "infomax", "mine"]
    assert keep_usual(SCORES, [chosen_by("mano/side")]) == ["infomax", "mano", "mine"]
