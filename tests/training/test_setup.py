from dataclasses import replace

import pytest

from da.data import tasks
from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.setup import assemble
from da.training.train import train

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
