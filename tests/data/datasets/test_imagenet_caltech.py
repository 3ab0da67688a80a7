from pathlib import Path

import pytest

from da.config.task_name import TaskName
from da.data import class_lists, label_sets
from da.data.datasets import imagenet_caltech as both

LINES = class_lists.read_lines("imagenet_caltech")


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    """Folders of all classes with an image in each, as the archives unpack to."""
    monkeypatch.setenv("DA_DATA", str(tmp_path))
    known = {int(line["category"][:3]): line["category"] for line in LINES}
    for i in range(1, 258):
        name = known.get(i, f"{i:03}.{'clutter' if i == 257 else f'other-{i}'}")
        (tmp_path / "256_ObjectCategories" / name).mkdir(parents=True)
        (tmp_path / "256_ObjectCategories" / name / "a.jpg").touch()
    for split in ("train", "val"):
        for i in range(1000):
            (tmp_path / "imagenet" / split / f"n{i * 7:08}").mkdir(parents=True)
            (tmp_path / "imagenet" / split / f"n{i * 7:08}" / "a.JPEG").touch()
    return tmp_path


def test_shared_classes_have_one_name_in_all_domains(data):
    found = {name: both.list_images(name) for name in both.DOMAINS}
    assert {name: len(each.classes) for name, each in found.items()} == {
        "imagenet": 1000,
        "caltech": 256,
        "imagenet84": 84,
        "caltech84": 84,
    }
    assert found["imagenet84"].classes == found["caltech84"].classes
    assert {*found["caltech84"].classes} == {*found["imagenet"].classes} & {
        *found["caltech"].classes
    }
    images = found["imagenet"]
    goldfish = images.files[images.classes.index("goldfish")]
    assert goldfish.parent.name == "n00000007"  # the second class of ImageNet
    assert found["imagenet84"].root.name == "val"
    assert found["caltech84"].notes[0].endswith("84 images, 9257 are published")
    few, every = found["caltech84"].classes, images.classes
    name = TaskName.parse("imagenet_caltech:imagenet-caltech84+partial")
    assert label_sets.choose_classes(name, every, every, few).common == {*few}


def test_missing_classes_are_told(data, monkeypatch):
    (data / "imagenet/val/n00000007/a.JPEG").unlink()
    with pytest.raises(ValueError, match="val has no image of goldfish"):
        both.list_images("imagenet84")
    (data / "imagenet/val/n00000007").rmdir()
    with pytest.raises(
        ValueError, match=r"not here: .*val has 999 classes of 1000\. ImageNet comes"
    ):
        both.list_images("imagenet84")
    assert "999 classes of 1000" in [*both.check()][2]
    monkeypatch.delenv("DA_DATA")
    with pytest.raises(ValueError, match="DA_DATA is not set"):
        both.list_images("caltech")


def test_the_list_is_that_of_the_published_one():
    assert len(LINES) == 84
    assert sum(int(line["caltech84"]) for line in LINES) == 9257
    numbers = [int(line["imagenet"]) for line in LINES]
    assert numbers == sorted({*numbers})
