import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from da.config.task_name import TaskName
from da.data import class_lists, label_sets, overlap, tasks
from da.data.datasets import office31, visda2017
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


SHARED = {
    ("office31", "open10/11"): ((958, 157, 295), (1967, 332, 564)),
    ("office31", "open10/11@letters"): ((824, 154, 235), (1836, 342, 502)),
    ("office31", "open20@letters"): ((1805, 310, 528), (2817, 498, 795)),
    ("office31", "universal10/10"): ((1808, 323, 526), (1967, 332, 564)),
    ("officehome", "open45"): ((1789, 3064, 3143, 3037), (2427, 4365, 4439, 4357)),
    ("officehome", "universal10/5"): ((743, 1116, 1077, 1203), (2209, 4021, 4016, 3983)),
}
"""Published numbers of images of each domain, as source and as target (UAN, OSBP, HyMOS, MLNet)."""

DOMAINS = {
    "office31": ("amazon", "dslr", "webcam"),
    "officehome": ("art", "clipart", "product", "real"),
}


@pytest.mark.parametrize(("name", "end"), SHARED)
def test_open_and_universal_tasks_have_the_published_numbers_of_images(name, end):
    for domain, *counts in zip(DOMAINS[name], *SHARED[name, end], strict=True):
        each = class_lists.published_counts(name, domain)
        task = TaskName.parse(f"{name}:a-b+{end}")
        order = label_sets.order_classes({"office31": office31}.get(name), each, task.order)
        shares = label_sets.choose_classes(task, order, each, each)
        sides = shares.source, shares.common | shares.private
        assert [sum(each[label] for label in side) for side in sides] == counts


def test_universal_visda_has_the_published_number_of_images():
    each = class_lists.published_counts("visda2017", "real")
    task = TaskName.parse("visda2017:synthetic-real+universal6/3")
    shares = label_sets.choose_classes(task, [*each], each, each)
    assert sum(each[label] for label in shares.common | shares.private) == 41043
    assert shares.source - shares.common == {"motorcycle", "person", "plant"}
    order = label_sets.order_classes(visda2017, each, "osbp")
    task = TaskName.parse("visda2017:synthetic-real+open6@osbp")
    known = label_sets.choose_classes(task, order, each, each).source
    assert known == {"bicycle", "bus", "car", "motorcycle", "train", "truck"}


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


def test_classes_that_the_source_lacks_are_one_class(root):
    task = tasks.load_task("folder:b-a+open")
    assert task.classes == ("cat", "dog")
    assert task.target_test.y.unique().tolist() == [0, 1, 2]
    assert len(task.target_train) == 15
    shutil.copytree("b/dog", "b/elk")
    task = tasks.load_task("folder:b-a+universal")
    assert task.classes == ("cat", "dog", "elk")
    assert task.target_test.y.unique().tolist() == [0, 1, 3]
    private = task.target_test.unpooled[task.target_test.rows][task.target_test.y == 3]
    assert private.unique().tolist() == [2]


@pytest.mark.parametrize("task", ["folder:b-loose+open", "folder:b-a+open+unlabelled"])
def test_a_target_without_labels_may_have_unknown_images(root, task):
    shutil.copytree("a/cat", "loose")
    opened = tasks.load_task(task)
    assert opened.classes == ("cat", "dog")
    assert len(opened.target_train) == (5 if "loose" in task else 15)
    assert not opened.is_tested
    with pytest.raises(ValueError, match="no labels to choose them by"):
        tasks.load_task("folder:b-loose+open1")


def test_classes_are_shared_by_their_order(root):
    shutil.copytree("a/owl", "b/owl")
    task = tasks.load_task("folder:a-b+open1/1")
    assert task.classes == ("cat",)
    assert len(task.source_train.y) == 4
    assert task.target_test.y.bincount().tolist() == [4, 5]
    task = tasks.load_task("folder:a-b+universal1/1")
    assert task.classes == ("cat", "dog")
    assert task.target_test.y.bincount().tolist() == [4, 0, 5]
    assert len(tasks.load_task("folder:a-b+universal1/1+2shot").shots) == 2


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("folder:a-b+open", r"the source has owl, which the target lacks; \+universal takes such"),
        ("folder:a-b+universal", "no class is in the target alone, which '.universal' needs"),
        ("folder:b-a+universal", "no class is in the source alone, which '.universal' needs"),
        ("folder:a-b+open2", "the target lacks the classes owl"),
        ("folder:a-a+open4", "4 classes in '.open4', and there are 3"),
        ("folder:a-a+open2@odd", "unknown order of classes 'odd', known: letters, bytes"),
        ("folder:a-a+universal2", r"other numbers than \+universalN/P or \+universalN/P/M"),
        ("folder:a-a+open1/0", "no class is in the target alone"),
        ("emoji:noto+open3", "known: of two domains, for their classes"),
        ("emoji:noto-twemoji+open3+unlabelled", "chooses images by their labels"),
        ("emoji:noto-twemoji+3shot+open3", r"ends in their order: \+partial, \+open"),
        ("emoji:noto-twemoji+dirichlet", r"known: \+dirichletALPHA with ALPHA above 0"),
        ("emoji:noto-twemoji+rsut1", r"known: \+rsut, \+rsutFACTOR with FACTOR above 1"),
        ("emoji:noto-twemoji+dirichlet0", "with ALPHA above 0"),
        ("emoji:noto,noto-twemoji", "'noto,noto' has a domain twice"),
        ("emoji:noto,nato-twemoji", "unknown domain 'nato'"),
        ("folder:b-a+partial", r"folder:b-a\+partial: the target has owl, which the source lacks"),
        ("folder:a-a+partial", "a partial target with all 3 classes of the source, known: 1 to 2"),
        ("folder:a-b+partial3", "a partial target with 3 classes, known: 1 to 2"),
        ("folder:a-b+partial0", r"no classes in 'folder:a-b\+partial0': say \+partial1 or more"),
        ("emoji:noto+partial", r"\+partial in 'emoji:noto\+partial', known: of two domains"),
    ],
)
def test_classes_that_do_not_fit_are_told(root, name, said):
    with pytest.raises(ValueError, match=said):
        tasks.load_task(name)
