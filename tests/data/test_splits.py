"""Supervised tasks of one domain, and which images train, validate and test."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from da.data import splits, tasks
from da.data.domain import Domain, Task
from da.methods import METHODS, Network
from da.runs.run import Run
from da.training.train import train
from tests.conftest import points


def toy(**rows: torch.Tensor) -> Domain:
    """40 numbered points of two classes in turn; 0-9 are source, 10-19 target, 20-39 tests."""
    numbers = torch.arange(40)
    own = {
        "source_train": numbers[:10],
        "target_train": numbers[10:20],
        "source_test": numbers[20:],
        "target_test": numbers[20:],
    }
    made = points(numbers[:, None].float(), numbers % 2)
    return replace(made, rows=own | rows, classes=("cat", "dog"))


def sets(task: Task) -> list[set[int]]:
    parts = task.source_train, task.source_test, task.target_test
    return [set(part.rows.tolist()) for part in parts]


def test_all_that_is_no_test_image_trains_or_validates():
    task = tasks.build_task("moons:0", toy(), toy())
    train, validation, test = sets(task)
    assert test == set(range(20, 40))
    assert train | validation == set(range(20))
    assert not train & validation
    assert task.source_test.y.tolist() == [0, 1]
    assert set(task.target_train.rows.tolist()) == train
    assert task.shots is None
    assert not hasattr(task.target_train, "y")


def test_a_domain_trained_with_alike_as_source_and_target_is_taken_once():
    same = torch.arange(20)
    task = tasks.build_task("moons:0", *[toy(source_train=same, target_train=same)] * 2)
    assert len(task.source_train) == 18
    assert task.source_train.rows.unique().numel() == 18


def test_a_domain_that_has_validation_images_keeps_them():
    own = splits.assign_roles(np.arange(20), np.arange(20, 25), np.arange(25, 40))
    domain = toy(**{role: torch.from_numpy(rows) for role, rows in own.items()})
    assert sets(tasks.build_task("moons:0", domain, domain)) == [
        set(range(20)),
        set(range(20, 25)),
        set(range(25, 40)),
    ]


def test_labels_are_the_first_of_each_class_in_the_order_of_the_rows():
    rows = torch.tensor([9, 8, 1, 0, 7, 2, 3, 5, 4, 6])
    task = tasks.build_task("moons:0+2label", *[toy(source_train=rows, target_train=rows)] * 2)
    assert task.source_train.rows.tolist() == [8, 2, 9, 7]  # 0 and 1 validate
    assert task.source_train.y.tolist() == [0, 0, 1, 1]
    assert len(task.target_train) == 8
    assert task.source_test.rows.tolist() == [0, 1]


def test_a_class_of_fewer_images_gives_all_and_more_than_any_has_are_refused():
    rows = torch.tensor([0, 2, 4, 6, 8, 1, 3, 5])
    domain = toy(source_train=rows, target_train=rows)
    task = tasks.build_task("moons:0+3label", domain, domain)
    assert task.source_train.y.tolist() == [0, 0, 0, 1, 1]
    with pytest.raises(ValueError, match=r"no class has 9 training images, known: up to \+4label"):
        tasks.build_task("moons:0+9label", domain, domain)


def test_pairs_of_domains_are_as_they_were():
    task = tasks.build_task("moons:0-1", toy(), toy())
    assert sets(task) == [set(range(10)), set(range(20, 40)), set(range(20, 40))]
    assert task.target_train.rows.tolist() == list(range(10, 20))


def test_one_domain_is_opened_once_and_is_both():
    source, target = tasks.open_domains("moons:40+3label")
    assert source is target
    assert len(tasks.load_task("moons:40+3label").source_train) == 6


def test_three_sets_are_as_large_as_they_should_be():
    names, y = [f"{i}.png" for i in range(200)], np.arange(200) % 2
    parts = splits.split_in_three(names, y)
    assert [len(part) for part in parts] == [140, 20, 40]
    assert sorted(np.concatenate(parts)) == list(range(200))
    assert all(y[part].sum() * 2 == len(part) for part in parts)
    again = splits.split_in_three(names, y)
    assert all(np.array_equal(a, b) for a, b in zip(parts, again, strict=True))


def test_of_three_images_each_set_gets_one():
    assert [len(part) for part in splits.split_in_three(["a", "b", "c"], np.zeros(3, int))] == [
        1,
        1,
        1,
    ]


@pytest.mark.slow
def test_supervised_transfer_is_a_run_like_any_other():
    run = Run(
        METHODS["source_only"].Hparams(),
        "moons:40+50label",
        backbone="mlp",
        init="random",
        regime="full",
        network=Network(neck=0, dropout=0),
        steps=50,
        eval_every=50,
        lr=1e-2,
    )
    assert train(run, device="cpu", quiet=True).curve[-1]["target_accuracy"] > 95
