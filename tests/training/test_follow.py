"""A run is in its folder while it trains, however that is done, and leaves its record alone."""

from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest

from da.methods import METHODS
from da.results import tracking
from da.results.live import find_live
from da.results.records import Record
from da.results.tracking import Tracking
from da.training import evaluate, follow
from da.training.engine import DivergedError
from da.training.follow import Follower
from da.training.multi_run import train_together
from da.training.sweep import sweep_outcomes
from da.training.train import train
from tests.fixtures import points

RUN = replace(points.RUN, eval_every=2)
BLIND = [replace(RUN, method=METHODS["source_only"].Hparams(), task=f"moons:0-{n}") for n in "89"]


@pytest.fixture
def seen(monkeypatch):
    """What a reader of the folder finds after each evaluation: the step of each run in hand."""
    found: list[dict[str, int]] = []
    plain = Follower.__call__

    def tell(self, point):
        plain(self, point)
        found.append({run.id: run.step for run in find_live(Path("results"))})

    monkeypatch.setattr(Follower, "__call__", tell)
    return found


def test_a_run_alone_is_seen_at_each_evaluation(seen):
    record = train(RUN, quiet=True, tracking=Tracking())
    assert seen == [{RUN.id: point["step"]} for point in record.curve]
    assert find_live(Path("results")) == []
    train(RUN, quiet=True)
    assert seen[len(record.curve) :] == [{}] * len(record.curve)


def test_runs_that_are_one_training_are_seen_each(seen):
    outcomes = [*sweep_outcomes(BLIND, Path("results"), workers=1)]
    assert all(o.record for o in outcomes)
    assert seen[-1] == {run.id: 6 for run in BLIND}
    assert not Path("results/live").exists()


@pytest.mark.slow
def test_runs_that_share_their_steps_are_seen_each(seen):
    train(BLIND[0], quiet=True, save_weights=True)
    begun = replace(RUN, regime="frozen", init=BLIND[0].id)
    runs = [begun, replace(begun, seed=1)]
    ended = train_together(runs, share_steps=True, tracking={run: Tracking() for run in runs})
    next(ended)
    assert seen[-1] == {run.id: 6 for run in runs}
    assert [run for run, _ in ended] == [runs[1]]
    assert find_live(Path("results")) == []


class Fake:
    """In place of a run at W&B."""

    made: ClassVar[list["Fake"]] = []

    def __init__(self, id, settings, how):
        self.id, self.steps, self.how = id, [], how
        self.made.append(self)

    def log(self, point):
        self.steps.append(point["step"])

    def end(self, record):
        self.record = record


@pytest.fixture
def mirrors(monkeypatch):
    monkeypatch.setattr(Fake, "made", [])
    monkeypatch.setattr(follow, "Mirror", Fake)
    return Fake.made


def test_each_evaluation_is_logged_when_it_is_made(mirrors):
    how = {run.id: Tracking("offline", "paper", run.task) for run in BLIND}
    outcomes = [*sweep_outcomes(BLIND, Path("results"), workers=1, tracking=how)]
    assert [(m.id, m.steps, m.how) for m in mirrors] == [
        (r.id, [2, 4, 6], how[r.id]) for r in BLIND
    ]
    assert [m.record for m in mirrors] == [o.record for o in outcomes]
    assert all(isinstance(m.record, Record) for m in mirrors)


def test_a_run_that_fails_is_told_so_and_no_longer_in_hand(mirrors, monkeypatch):
    def diverge(*_):
        raise DivergedError("not finite")

    monkeypatch.setattr(evaluate, "_check_finite", diverge)
    with pytest.raises(DivergedError):
        train(RUN, quiet=True, tracking=Tracking())
    assert [mirror.record for mirror in mirrors] == [None]
    assert not Path("results/live").exists()


def test_wandb_that_fails_costs_a_line_and_the_record_stays_as_it_is(monkeypatch, capsys):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setattr(tracking, "_failures", [])
    tracking._say.cache_clear()

    def fail(**_):
        raise ConnectionError("no network")

    monkeypatch.setattr(wandb, "init", fail)
    record = train(RUN, quiet=True, tracking=Tracking("online"))
    assert record.curve == train(RUN, quiet=True).curve
    assert capsys.readouterr().err.count("W&B failed") == 1
