import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from da.cli.main import main
from da.data import paths, tasks
from da.data.datasets import imagefolder
from da.methods import METHODS
from da.runs.run import Run
from tests.fixtures import datasets


@pytest.fixture
def root(tmp_path) -> Path:
    """train, val and test of cats and dogs, the names with a dash and a plus in them."""
    for name, each in (("train", 10), ("val", 3), ("test", 4)):
        datasets.image_folder(tmp_path / "cats-dogs+20" / name, each=each)
    return tmp_path / "cats-dogs+20"


def sets(root: Path) -> list[list[int]]:
    """Rows that train, validate and test; each is in one of them."""
    domain = imagefolder.open_domain(str(root))
    found = [domain.rows[role].tolist() for role in ("source_train", "source_test", "target_test")]
    assert sorted(np.concatenate(found)) == list(range(len(domain.y)))
    assert domain.rows["target_train"].equal(domain.rows["source_train"])
    return found


def test_three_sets_are_taken_as_they_are(root):
    assert [sorted(rows) for rows in sets(root)] == [
        list(range(20)),
        list(range(20, 26)),
        list(range(26, 34)),
    ]
    domain = imagefolder.open_domain(str(root))
    assert domain.classes == ("cat", "dog")
    assert domain.y[20:26].tolist() == [0, 0, 0, 1, 1, 1]
    assert domain.x.shape == (34, 256, 256, 3)


def test_training_rows_are_in_an_order_that_names_do_not_tell(root):
    train, *_ = sets(root)
    assert train != sorted(train)
    assert train == sets(root)[0]


@pytest.mark.parametrize("name", ["valid", "validation"])
def test_validation_may_be_called_otherwise(root, name):
    (root / "val").rename(root / name)
    assert len(sets(root)[1]) == 6
    (root / "val").mkdir()
    with pytest.raises(ValueError, match=f"has both val and {name}"):
        imagefolder.open_domain(str(root))


@pytest.mark.parametrize(
    "names",
    [("Train", "Val", "Test"), ("TRAINING", "Validation", "testing"), ("train", "val", "eval")],
)
def test_sets_may_be_called_otherwise(root, names):
    usual = sets(root)
    for old, new in zip(("train", "val", "test"), names, strict=True):
        (root / old).rename(root / new)
    assert [sorted(rows) for rows in sets(root)] == [sorted(rows) for rows in usual]


def test_sets_without_one_for_training_are_refused(root):
    shutil.rmtree(root / "train")
    with pytest.raises(ValueError, match="has val and test, but no folder train"):
        imagefolder.open_domain(str(root))


def test_folders_next_to_the_sets_are_told(root, capsys):
    (root / "originals").mkdir()
    imagefolder.open_domain(str(root))
    assert f"{root}: left out: the folders originals" in capsys.readouterr().err


def test_bad_images_may_be_skipped_in_every_set(root):
    for name in ("train/cat/cat-00", "train/dog/dog-03", "test/cat/cat-01"):
        (root / f"{name}.png").write_bytes(b"no image")
    with pytest.raises(ValueError, match="cannot decode 3 of 34 images"):
        imagefolder.open_domain(str(root))
    domain = imagefolder.open_domain(str(root), skip_bad=True)
    assert domain.left_out == 3
    parts = [domain.rows[role] for role in ("source_train", "source_test", "target_test")]
    assert [len(rows) for rows in parts] == [18, 6, 7]
    assert domain.y[parts[2]].tolist() == [0, 0, 0, 1, 1, 1, 1]


def test_a_set_that_is_a_link_to_another_has_no_images_of_its_own(root):
    shutil.rmtree(root / "test")
    (root / "test").symlink_to("train")
    with pytest.raises(ValueError, match="test/cat has no image in it: all are links to images of"):
        imagefolder.open_domain(str(root))


@pytest.mark.parametrize("missing", ["val", "test"])
def test_of_two_sets_the_other_tests_and_a_tenth_validates(root, missing):
    shutil.rmtree(root / missing)
    train, validation, test = sets(root)
    assert sorted(train + validation) == list(range(20))
    assert len(validation) == 2
    assert len(test) == {"val": 8, "test": 6}[missing]


def test_one_folder_is_divided_alike_each_time(tmp_path):
    one = datasets.image_folder(tmp_path / "one", each=20)
    first = imagefolder.open_domain(str(one))
    assert [len(rows) for rows in sets(one)] == [28, 4, 8]
    copy = tmp_path / "copied"
    shutil.copytree(one, copy)
    again = imagefolder.open_domain(str(copy))
    assert all(again.rows[role].equal(rows) for role, rows in first.rows.items())


def test_labels_come_from_all_sets_of_a_task(root):
    task = tasks.load_task(f"imagefolder:{root}+3label")
    assert task.source_train.y.tolist() == [0, 0, 0, 1, 1, 1]
    assert (len(task.target_train), len(task.source_test), len(task.target_test)) == (20, 6, 8)
    with pytest.raises(
        ValueError, match=r"no class has 11 training images, known: up to \+10label"
    ):
        tasks.load_task(f"imagefolder:{root}+11label")


def test_a_class_called_train_is_a_class(tmp_path):
    vehicles = datasets.image_folder(tmp_path / "vehicles", ("bus", "train"), each=3)
    assert imagefolder.open_domain(str(vehicles)).classes == ("bus", "train")


def test_a_relative_path_may_be_under_da_data(root, monkeypatch):
    monkeypatch.chdir(root)
    assert paths.find_folder(root.name) is None
    with pytest.raises(ValueError, match=r"no such folder: 'cats-dogs\+20'$"):
        tasks.parse_task(f"imagefolder:{root.name}")
    monkeypatch.setenv("DA_DATA", str(root.parent))
    assert tasks.parse_task(f"imagefolder:{root.name}").pair == (root.name, "")
    assert paths.require_folder(root.name) == root
    with pytest.raises(ValueError, match=f"no such folder: 'dogs', nor under {root.parent}"):
        tasks.parse_task("imagefolder:dogs")


def test_here_comes_before_da_data(root, monkeypatch):
    (root / "here" / "train").mkdir(parents=True)
    monkeypatch.chdir(root / "here")
    monkeypatch.setenv("DA_DATA", str(root))
    assert paths.require_folder("train") == root / "here" / "train"


def spoil(root: Path, how: str) -> str:
    """Do that to the folder; what is then said of it."""
    if how == "one class":
        for name in ("train", "val", "test"):
            shutil.rmtree(root / name / "dog")
        return f"{root / 'train'} has one class only, 'cat': two are needed"
    if how == "empty class":
        (root / "train" / "emu").mkdir()
        return f"the class folder {root / 'train' / 'emu'} has no image in it"
    if how == "missing":
        shutil.rmtree(root / "val" / "dog")
        return f"{root / 'val'} lacks the class 'dog', which {root / 'train'} has"
    if how == "unknown":
        datasets.image_folder(root / "test", ("emu",), each=1)
        return f"{root / 'train'} lacks the class 'emu', which {root / 'test'} has"
    for name in ("val", "test"):
        shutil.rmtree(root / name)
    return f"{root} has one class only, 'train'"


@pytest.mark.parametrize("how", ["one class", "empty class", "missing", "unknown", "train alone"])
def test_what_is_wrong_with_a_folder_is_one_line(root, how, capsys):
    said = spoil(root, how)
    with pytest.raises(SystemExit) as ended:
        main(["train", "--task", f"imagefolder:{root}", "source_only"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert said in error


def test_a_class_too_small_to_be_divided_is_named(tmp_path):
    one = datasets.image_folder(tmp_path / "one", each=3)
    (one / "dog" / "dog-00.png").unlink()
    with pytest.raises(ValueError, match="one/dog has 2 images, known: 3 or more"):
        imagefolder.open_domain(str(one))


def test_a_training_set_that_cannot_spare_any_is_named(tmp_path):
    for name in ("train", "test"):
        datasets.image_folder(tmp_path / "few" / name, each=1)
    with pytest.raises(ValueError, match="few/train has no class with two images"):
        imagefolder.open_domain(str(tmp_path / "few"))


def test_images_are_those_of_the_files(root):
    domain = imagefolder.open_domain(str(root))
    same = imagefolder.open_domain(str(root / "train"))
    assert torch.equal(same.x, domain.x[:20])


def test_a_path_that_ends_in_shot_has_no_shots():
    run = Run(METHODS["source_only"].Hparams(), "imagefolder:screenshot")
    assert run.task == "imagefolder:screenshot"
