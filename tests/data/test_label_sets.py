import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from da.config.task_name import TaskName
from da.data import class_lists, label_sets, overlap, tasks
from da.data.datasets import office31
from tests.fixtures.datasets import image_folder

PARTIAL = {
    ("office31", "amazon", 10): 958,
    ("office31", "dslr", 10): 157,
    ("office31", "webcam", 10): 295,
    ("officehome", "art", 25): 1089,
    ("officehome", "clipart", 25): 1675,
    ("officehome", "product", 25): 1785,
    ("officehome", "real", 25): 1811,
    ("visda2017", "real", 6): 28978,
    ("domainnet126_original", "clipart", 40): 4807,
    ("domainnet126_original", "painting", 40): 7732,
    ("domainnet126_original", "real", 40): 21319,
    ("domainnet126_original", "sketch", 40): 4735,
}
"""Published numbers of images of partial targets (PADA, AFN, ARPM)."""


@pytest.mark.parametrize(("name", "domain", "count"), PARTIAL)
def test_partial_targets_have_the_published_numbers_of_images(name, domain, count):
    counts = class_lists.published_counts(name, domain)
    dataset = office31 if name == "office31" else None
    task = TaskName.parse(f"x:a-b+partial{count}")
    order = label_sets.order_classes(dataset, counts)
    kept = label_sets.choose_classes(task, order, counts, counts).common
    assert sum(counts[label] for label in kept) == PARTIAL[name, domain, count]


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    image_folder(tmp_path / "a", each=5)
    shutil.copytree("a/cat", "a/owl")
    for file in Path("a/owl").iterdir():
        ImageOps.invert(Image.open(file).convert("RGB")).save(file)
    image_folder(tmp_path / "b", each=4)
    return tmp_path


def test_a_target_that_lacks_classes_is_taken_as_partial(root):
    with pytest.raises(ValueError, match=r"only a has owl.*; folder:a-b\+partial takes such a tar"):
        tasks.load_task("folder:a-b")
    task = tasks.load_task("folder:a-b+partial")
    assert task.classes == ("cat", "dog", "owl")
    assert sorted(task.target_test.y.tolist()) == [0] * 4 + [1] * 4
    assert len(task.target_train) == 8
    assert len(task.source_train.y.unique()) == 3


def test_some_of_the_classes_are_kept_by_their_order(root):
    shutil.copytree("a/owl", "b/owl")
    assert tasks.load_task("folder:a-b+partial2").target_test.y.unique().tolist() == [0, 1]
    shots = tasks.load_task("folder:a-b+partial1").target_train
    assert len(shots) == 4


def test_a_partial_target_that_is_the_source_is_guarded(root):
    for name in ("folder:a-a+partial2", "folder:a-./a+partial2"):
        task = tasks.load_task(name)
        assert len(task.target_test) == 2
        assert not {*task.source_train.rows.tolist()} & {*task.target_test.rows.tolist()}
        assert overlap.report_overlap(task, *tasks.open_domains(name)) == {}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder:b-a+partial", r"folder:b-a\+partial: the target has owl, which the source lacks"),
        ("folder:a-a+partial", "a partial target with all 3 classes of the source, known: 1 to 2"),
        ("folder:a-b+partial3", "a partial target with 3 classes, known: 1 to 2"),
        ("folder:a-b+partial0", r"no classes in 'folder:a-b\+partial0': say \+partial1 or more"),
        ("emoji:noto+partial", r"\+partial in 'emoji:noto\+partial', known: of two domains"),
    ],
)
def test_what_cannot_be_partial_is_told(root, name, said):
    with pytest.raises(ValueError, match=said):
        tasks.load_task(name)


@pytest.mark.parametrize("text", ["emoji:noto-twemoji+partial", "officehome:art-real+partial25"])
def test_names_are_printed_as_they_are_read(text):
    name = TaskName.parse(text)
    assert str(name) == str(name.without_labels()) == text
    assert name.classes == "partial"
    assert name.labels == ""
