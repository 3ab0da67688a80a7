from dataclasses import replace

import pytest
import torch

from da.data import tasks
from da.methods import METHODS, Network
from da.results.records import Record
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import train
from tests.conftest import THREADS
from tests.fixtures.runs import run_of, stand_in

FULL = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-40",
    backbone="mlp",
    init="random",
    regime="full",
    steps=2,
    look_every=2,
)
MAPPED = replace(
    FULL,
    method=METHODS["coral_map"].Hparams(),
    regime="frozen",
    init=FULL.id,
    network=Network(neck=8),
)


@pytest.mark.parametrize("change", [{}, {"features": 8}])
def test_a_run_builds_its_task_once(change, monkeypatch):
    train(FULL, device="cpu", keep=True, quiet=True)
    built, usual = [], tasks.build_task
    monkeypatch.setattr(tasks, "build_task", lambda *a: built.append(a[0]) or usual(*a))
    assemble(replace(MAPPED, **change), "cpu")
    assert built == ["moons:0-40"]


def trained_with(threads: int, run: Run) -> Record:
    torch.set_num_threads(threads)
    try:
        return train(run, device="cpu", quiet=True)
    finally:
        torch.set_num_threads(THREADS)


def test_a_deterministic_run_does_not_depend_on_the_number_of_threads(monkeypatch):
    monkeypatch.setattr(tasks, "open_domains", stand_in)
    run = replace(run_of("dann"), deterministic=True)
    one, two = trained_with(1, run), trained_with(2, run)
    assert one.curve == two.curve
    assert one.made_from["threads"] == two.made_from["threads"] == 1
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_record_of_regime_full_says_of_how_many_threads_it_is():
    assert trained_with(2, FULL).made_from["threads"] == 2
    assert trained_with(1, FULL).made_from["threads"] == 1


def test_a_record_of_frozen_features_does_not_depend_on_threads():
    train(FULL, device="cpu", keep=True, quiet=True)
    assert "threads" not in trained_with(2, MAPPED).made_from
