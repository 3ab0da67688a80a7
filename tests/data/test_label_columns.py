"""Label columns of every kind of data that can have several, and what is said where it has not."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch

import da
from da.config.label_columns import LabelColumns
from da.data import tasks
from da.data.domain_checks import check_domain
from da.data.label_columns import Column
from da.data.loaders import batches
from da.data.reading import Reading
from tests.conftest import points
from tests.fixtures.datasets import image_folder

COLUMNS = ("kind", "size")
CLASSES = ("cat", "dog")
SIZES = ("large", "small")
COUNT = 12


def kinds(i: int) -> str:
    return CLASSES[i % 2]


def sizes(i: int) -> str:
    return SIZES[i // 2 % 2]


def x(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(COUNT, 3)).astype("f")


def write_arrays() -> str:
    for i, name in enumerate("ab"):
        labels = {"kind": [*map(kinds, range(COUNT))], "size": [*map(sizes, range(COUNT))]}
        np.savez(f"{name}.npz", x=x(i), **labels)
    return "arrays:a.npz-b.npz"


def write_table() -> str:
    lines = [f"{site},{v[0]},{v[1]},{kinds(i)},{sizes(i)}"
             for s, site in enumerate("AB") for i, v in enumerate(x(s))]  # fmt: skip
    Path("t.csv").write_text("\n".join(["site,age,height,kind,size", *lines]))
    return "table:t.csv?label=kind&domain=site:A-B"


def write_lists() -> str:
    for name in "ab":
        files = sorted(image_folder(Path(name), each=COUNT // 2).rglob("*.png"))
        lines = [f"{f.as_posix()},{kinds(i)},{sizes(i)}" for i, f in enumerate(files)]
        Path(f"{name}.csv").write_text("\n".join(["path,kind,size", *lines]))
    return "list:a.csv-b.csv"


class Items(torch.utils.data.Dataset):
    """Rows of features, each a dict with two labels."""

    def __init__(self, seed: int, *, tested: bool = True):
        self.x, self.tested = x(seed), tested

    def __len__(self):
        return COUNT

    def __getitem__(self, i):
        labels = {"kind": kinds(i), "size": sizes(i)} if self.tested else {}
        return {"image": self.x[i]} | labels


def write_dicts() -> str:
    return da.Task(source=Items(0), target=Items(1))


def write_pairs() -> str:
    labels = {"kind": [*map(kinds, range(COUNT))], "size": [*map(sizes, range(COUNT))]}
    return da.Task(source=(x(0), labels), target=(x(1), labels))


class Both(NamedTuple):
    kind: str
    size: str


def write_tuples() -> str:
    labels = [Both(kinds(i), sizes(i)) for i in range(COUNT)]
    return da.Task(source=(x(0), labels), target=(x(1), labels))


every_kind = pytest.mark.parametrize(
    "write", [write_arrays, write_table, write_lists, write_dicts, write_pairs, write_tuples]
)


@every_kind
def test_a_task_has_the_columns_that_are_named(write):
    name = write()
    domains = tasks.open_domains(name, Reading(label_columns=COLUMNS))
    assert {d.classes for d in domains} == {CLASSES}
    assert [(c.name, c.classes) for d in domains for c in d.columns] == [("size", SIZES)] * 2
    assert domains[1].columns[0].y.tolist() == [SIZES.index(sizes(i)) for i in range(COUNT)]
    other, _ = tasks.open_domains(name, Reading(label_columns=("size",)))
    assert (other.classes, other.columns) == (SIZES, ())
    assert other.data_digest != domains[0].data_digest
    task = tasks.build_task(name, *domains)
    batch = next(batches(task, 4, 0))
    assert batch.source.columns.shape == (1, 4)
    assert {type(v) for v in vars(batch.target).values()} <= {torch.Tensor, type(None)}


@every_kind
def test_unknown_columns_are_named(write):
    with pytest.raises(ValueError, match=r"no (label )?column 'color'"):
        tasks.open_domains(write(), Reading(label_columns=("kind", "color")))


def test_paths_are_no_labels():
    with pytest.raises(ValueError, match=r"no label column 'path', known: kind, size$"):
        tasks.open_domains(write_lists(), Reading(label_columns=("kind", "path")))


def test_labels_are_no_features_of_a_table():
    assert tasks.open_domains(write_table(), Reading(label_columns=COLUMNS))[0].x.shape == (
        COUNT,
        2,
    )


@pytest.mark.parametrize("write", [write_arrays, write_table, write_lists])
def test_hidden_labels_stay_hidden_in_every_column(write):
    _, target = tasks.open_domains(f"{write()}+unlabelled", Reading(label_columns=COLUMNS))
    assert target.columns[0].classes == SIZES
    assert {*target.y.tolist(), *target.columns[0].y.tolist()} == {-1}


def test_a_target_may_lack_the_labels_of_a_column():
    task = da.Task(source=Items(0), target=Items(1, tested=False))
    opened = tasks.build_task(task, *tasks.open_domains(task, Reading(label_columns=COLUMNS)))
    assert not opened.is_tested
    assert opened.target_test.columns[0].y.unique().tolist() == [-1]
    with pytest.raises(ValueError, match="source one label"):
        da.Task(source=(x(0), [0, 1] * 6), target=Items(1))


def test_numbers_of_further_columns_of_a_list_are_their_own_names():
    write_lists()
    for name in "ab":
        text = Path(f"{name}.csv").read_text().replace("kind", "label")
        Path(f"{name}.csv").write_text(text.replace("small", "7").replace("large", "9"))
    Path("classes.txt").write_text("\n".join("abcdefghij"))
    source, _ = tasks.open_domains("list:a.csv-b.csv", Reading(label_columns=("label", "size")))
    assert source.columns[0].classes == ("7", "9")


def test_further_classes_are_the_same_in_both_domains():
    name = write_arrays()
    np.savez("b.npz", x=x(1), kind=[*map(kinds, range(COUNT))], size=["huge", "tiny"] * 6)
    with pytest.raises(ValueError, match="column 'size': both domains need the same classes"):
        tasks.open_domains(name, Reading(label_columns=COLUMNS))


def test_data_of_one_label_says_so(capsys):
    for task in ("moons:0-40", da.Task(source=(x(0), [0, 1] * 6), target=x(1))):
        with pytest.raises(ValueError, match="one label an image: leave label_columns out"):
            tasks.open_domains(task, Reading(label_columns=COLUMNS))
    tasks.open_domains(write_dicts())
    assert "only kind is learned without label_columns" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (Column("size", SIZES, torch.zeros(3, dtype=torch.int64)), "another y"),
        (Column("size", SIZES, torch.full((4,), 2)), "another y"),
    ],
)
def test_a_data_set_of_yours_is_told_what_is_wrong_with_a_column(column, message):
    good = points(torch.randn(4, 2), torch.arange(4) % 2)
    check_domain(replace(good, columns=(Column("size", SIZES, torch.arange(4) % 2),)), "mine")
    with pytest.raises(ValueError, match=f"mine.*{message}"):
        check_domain(replace(good, columns=(column,)), "mine")


def test_loaders_have_one_column():
    with pytest.raises(ValueError, match="label_columns need"):
        da.fit(
            da.methods.MCC(),
            [],
            [],
            backbone=torch.nn.Flatten(),
            classes=2,
            labels=LabelColumns(("a", "b")),
        )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"label_columns": ("a", "a")}, "each once"),
        ({"label_columns": ("a", "")}, "each once"),
        ({"label_columns": ("a", "mean")}, "can be called mean or online"),
        ({"label_columns": ("a",), "column_weight": 2.0}, "two names or more"),
        ({"column_weighting": "uncertainty"}, "two names or more"),
        ({"label_columns": ("a", "b"), "column_weight": -1.0}, "column_weight is 0 or more"),
    ],
)
def test_wrong_settings_are_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        LabelColumns(**wrong)


@pytest.mark.parametrize(("chosen_by", "right"), [("bnm/mean", True), ("bnm/b", True),
                                                  ("bnm/a", False), ("bnm/", False)])  # fmt: skip
def test_a_further_column_can_choose_the_model(chosen_by, right):
    def run():
        return da.Run(
            da.methods.MCC(),
            "emoji:noto-twemoji",
            tuning=da.FineTuning(chosen_by=chosen_by),
            labels=LabelColumns(("a", "b")),
        )

    if right:
        run()
    else:
        with pytest.raises(ValueError, match="needs label_columns"):
            run()
