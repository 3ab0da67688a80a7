"""Sources whose held-out images train too."""

from dataclasses import replace

import pytest
import torch

import da
from da.data import tasks
from da.data.domain import Domain
from da.data.held_out import train_on_held_out
from da.data.reading import Reading
from da.runs.provenance import find_states
from da.training import setup
from tests.data.test_own_task import SETTINGS, Pictures, home

__all__ = ("home",)


def domain(rows: dict[str, list[int]], digest: str = "a") -> Domain:
    each = {name: torch.tensor(own, dtype=torch.int64) for name, own in rows.items()}
    return Domain(("a",), torch.zeros(6, 1), torch.zeros(6, dtype=torch.int64), each, digest)


ALL = {"target_train": [0, 1, 2, 3], "target_test": [0, 1, 2, 3]}
OTHER = domain({"source_train": [0], "source_test": [1], **ALL}, "b")


@pytest.mark.parametrize(
    ("train", "test", "trained", "tested"),
    [
        ([0, 2], [1, 3], [0, 1, 2, 3], [0, 1, 2, 3]),
        ([0, 1, 2, 3], [4, 5], [0, 1, 2, 3], [4, 5]),  # by official lists
        ([0, 1, 2, 3], [], [0, 1, 2, 3], [0, 1, 2, 3]),  # no class has two images
        ([0, 1], [2, 3, 4], [0, 1, 2, 3], [4]),  # two sources, one of them with lists
    ],
)
def test_all_train_that_are_not_set_apart(train, test, trained, tested):
    source = domain({"source_train": train, "source_test": test, **ALL})
    found = train_on_held_out("x", source, OTHER).rows
    assert found["source_train"].tolist() == trained
    assert found["source_test"].tolist() == tested


def test_tests_of_a_target_that_is_the_source_never_train():
    source = domain({"source_train": [0, 2], "source_test": [1, 3], **ALL})
    with pytest.raises(ValueError, match=r"^x: source and target are the same"):
        train_on_held_out("x", source, replace(source))


@pytest.mark.usefixtures("home")
def test_a_run_trains_on_all_and_its_record_is_current(tmp_path, capsys):
    task = da.Task(source=Pictures(), target=Pictures(seed=1, labeled=False), name="mine")
    settings = SETTINGS | {"steps": 2, "batch": 4, "eval_every": 2, "hold_out": False}
    run = da.Run(da.methods.DANN(), task, **settings)
    part = setup.assemble(run, "cpu").task
    assert len(part.source_train) == len(part.source_test) == 12
    assert len(tasks.load_task(task).source_train) == 10
    record = da.train(run)
    assert "source training %" in capsys.readouterr().out
    assert find_states([record], tmp_path)[record.id] == "current"
    assert Reading.of(record.settings) == run.reading


def test_a_class_of_one_image_each_can_be_a_source():
    """Nothing of it can be held out, which is an error otherwise."""
    x = torch.randn(2, 3)
    name = da.Task(source=(x, torch.tensor([0, 1])), target=(x + 1, torch.tensor([0, 1])))
    with pytest.raises(ValueError, match="none of the source can be held out"):
        tasks.open_domains(name)
    assert len(tasks.open_domains(name, Reading(hold_out=False))[0].rows["source_test"]) == 2
