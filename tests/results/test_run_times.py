"""Runs of a kind are those that cost the same."""

from dataclasses import replace

import pytest

from da.config.registry import SELECTORS
from da.methods import METHODS
from da.results.records import Record
from da.results.run_times import RunTimes, are_alike, describe_time, kind_of, scores_as_now
from da.runs.run import Run

RUN = Run(METHODS["dann"].Hparams(), "moons:0-20", "mlp", "random", "full")


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"seed": 5}, True),
        ({"lr": 0.5}, True),
        ({"task": "moons:10-30"}, True),
        ({"method": METHODS["dann"].Hparams(trade_off=3.0)}, True),
        ({"task": "moons:0-20+3shot"}, False),
        ({"task": "moons:0,9-20"}, False),
        ({"task": "emoji:noto-twemoji"}, False),
        ({"method": METHODS["mcc"].Hparams()}, False),
        ({"steps": 501}, False),
        ({"eval_every": 50}, False),
        ({"batch": 32}, False),
        ({"backbone": "lenet"}, False),
        ({"regime": "frozen", "init": "pretrained"}, False),
    ],
)
def test_a_kind_is_what_costs_the_same(changes, same):
    assert (kind_of(replace(RUN, **changes).settings()) == kind_of(RUN.settings())) == same


def test_runs_that_begin_with_a_run_are_of_one_kind_whichever_that_is():
    a, b, other = (
        kind_of(replace(RUN, init=init).settings()) for init in ("a" * 12, "b" * 12, "pretrained")
    )
    assert a == b != other


def test_a_stored_record_is_of_the_kind_of_its_run():
    settings = RUN.settings()
    stored = {k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
    assert kind_of(stored) == kind_of(settings)


def test_tasks_of_about_as_many_images_are_alike():
    assert are_alike(100, 129)
    assert are_alike(129, 100)
    assert not are_alike(100, 131)
    assert are_alike(None, 5)


def record(run: Run, seconds: float = 1.0, **point: float) -> Record:
    return Record(run.id, run.settings(), [{"step": 1, **point}], seconds)


def test_records_of_the_kind_are_found_where_domains_are_as_large():
    runs = [replace(RUN, task=f"moons:0-{n}") for n in (1, 2, 3)]
    size = {"moons:0-1": 100, "moons:0-2": 110, "moons:0-3": 900, "moons:0-20": 105}
    times = RunTimes([record(run) for run in runs], lambda settings: size[settings["task"]])
    assert [r.id for r in times.find(RUN.settings())] == [run.id for run in runs[:2]]
    assert times.find(replace(RUN, steps=7).settings()) == []


def test_a_record_of_fewer_scores_was_not_evaluated_as_now():
    assert scores_as_now(record(RUN, **dict.fromkeys(SELECTORS, 0.5)))
    assert not scores_as_now(record(RUN, entropy=0.5, infomax=0.5))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.2, "0 s"),
        (99, "99 s"),
        (540, "9 min"),
        (9000, "2.5 h"),
        (4e5, "111 h"),
        (4e7, "11,111 h"),
    ],
)
def test_a_time_is_told_in_the_unit_that_suits_it(seconds, said):
    assert describe_time(seconds) == said
