"""Searches by several selectors and by a gate."""

import math
from pathlib import Path

import pytest

from da.results import records
from da.results.records import Record
from da.search import plot, tune
from da.search.study import Study
from da.search.tune import Search
from da.training.sweep import Outcome
from tests.search.test_tune import RUNS, carried_out, search


def invented(runs, folder, **_):
    """In place of a sweep: entropy likes a low rate, infomax a high one, and the source neither."""
    for run in runs:
        rate = math.log10(run.lr)
        point = {"step": 4, "entropy": -rate, "infomax": rate - 2 * max(0, rate + 2)}
        point["source_accuracy"] = 50.0 if run.lr < 0.001 else 99.0
        record = Record(run.id, run.settings(), [point | {"target_accuracy": 50.0}], 1.0)
        records.save(record, folder)
        yield Outcome(run, record)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tune, "sweep_outcomes", invented)


@pytest.mark.parametrize("sampler", ["grid", "tpe"])
def test_gate_keeps_a_search_from_settings_that_forget_the_source(
    tmp_path: Path, sampler: str
) -> None:
    how = {"chosen_by": "entropy+gate", "sampler": sampler}
    trials = carried_out(search(tmp_path, "lr", **how), 12)
    below = [trial for trial in trials if trial.settings["lr"] < 0.001]
    assert below
    assert {trial.score for trial in below} == {-math.inf}
    whole = [trial for trial in trials if not trial.pruned]
    best = max(whole, key=lambda trial: trial.score)
    assert best.settings["lr"] == min(t.settings["lr"] for t in whole if t not in below)
    assert best.score == pytest.approx(-math.log10(best.settings["lr"]))
    plot.plot_search(trials, {"lr": search(tmp_path, "lr").space["lr"]}, "entropy+gate")


def test_several_selectors_rank_the_trials_by_their_means(tmp_path: Path) -> None:
    found = Search("tiny", RUNS, search(tmp_path, "lr").space, folder=tmp_path, sampler="random",
                   chosen_by="entropy+infomax")  # fmt: skip
    trials = [trial for trial in carried_out(found, 4) if not trial.pruned]
    rates = [math.log10(trial.settings["lr"]) for trial in trials]
    other = [rate - 2 * max(0, rate + 2) for rate in rates]

    def rank(values: list[float], value: float) -> int:
        return sum(x <= value for x in values)

    assert [trial.score for trial in trials] == [
        (rank([-r for r in rates], -rate) + rank(other, o)) / 2 / len(trials)
        for rate, o in zip(rates, other, strict=True)
    ]
    assert {trial.runs for trial in trials} == {4}


@pytest.mark.slow
def test_a_bad_trial_is_given_up_and_the_same_call_gives_the_same_trials(tmp_path: Path) -> None:
    by = {"chosen_by": "entropy+infomax+gate"}
    one = carried_out(search(tmp_path / "one", "lr", **by), 12)
    early = [trial for trial in one if trial.pruned]
    assert early
    assert all(trial.number >= 4 and trial.runs < 4 for trial in early)
    for wanted in (5, 12):
        two = carried_out(search(tmp_path / "two", "lr", **by), wanted)
    assert two == one


def test_selector_of_several_runs_cannot_search(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"unknown selector 'nothing' in 'infomax\+nothing'"):
        search(tmp_path, chosen_by="infomax+nothing")


def test_settings_are_drawn_once_for_each_trial(tmp_path: Path, monkeypatch) -> None:
    drawn: list[int] = []
    draw = Study._draw_combined

    def counted(study: Study, number: int) -> dict[str, object]:
        drawn.append(number)
        return draw(study, number)

    monkeypatch.setattr(Study, "_draw_combined", counted)
    carried_out(search(tmp_path, "lr", chosen_by="entropy+infomax"), 5)
    assert drawn == [*range(5)]
