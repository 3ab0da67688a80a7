"""Tasks of Python objects: the same as those of folders, and unlabeled targets have no accuracy."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch.utils.data import Dataset, IterableDataset
from torchvision.datasets import ImageFolder

import da
from da.data import tasks
from da.data.own_items import to_stored
from da.data.reading import Reading
from da.results.records import Record
from da.results.tables import render_table
from da.runs.provenance import find_states
from tests.fixtures.datasets import image_folder, noise

SETTINGS = {"backbone": "lenet", "init": "random", "regime": "full", "side": 28}


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


class Pictures(Dataset):
    """Pairs of picture and label, as users write them; it counts how often it is read."""

    classes = ("cat", "dog")

    def __init__(self, count: int = 12, seed: int = 0, labeled: bool = True):
        self.count, self.seed, self.labeled, self.reads = count, seed, labeled, 0

    def __len__(self):
        return self.count

    def __getitem__(self, i):
        if not 0 <= i < self.count:
            raise IndexError(i)
        self.reads += 1
        picture = Image.fromarray(noise(8, 12, 3, seed=100 * self.seed + i))
        return (picture, i % 2) if self.labeled else picture


class SecretLabel:
    """A label that raises when it is read."""

    def __int__(self):
        raise AssertionError("a target label was read")

    __index__ = __eq__ = __str__ = __int__
    __hash__ = None


def train(task: str, method=None, **settings) -> Record:
    settings = SETTINGS | {"steps": 4, "batch": 4, "eval_every": 2} | settings
    return da.train(da.Run(method or da.methods.DANN(), task, **settings), quiet=True)


def points(seed: int, shift: float = 0) -> tuple[torch.Tensor, torch.Tensor]:
    y = torch.arange(40) % 2
    x = torch.randn(40, 2, generator=torch.Generator().manual_seed(seed))
    return x + shift + y[:, None], y


def test_a_dataset_trains_as_its_folder_does(tmp_path):
    a, b = (image_folder(tmp_path / name, each=6) for name in "ab")
    Image.fromarray(noise(9, 9, 3)).save(b / "cat" / "cat-00.png")
    ours = train(da.Task(source=ImageFolder(a), target=ImageFolder(b), name="mine"))
    theirs = train(f"folder:{a}-{b}")
    for one, other in zip(ours.curve, theirs.curve, strict=True):
        assert one == pytest.approx(other, abs=1e-6)
    assert ours.made_from["source"] == theirs.made_from["source"]


def test_the_name_depends_on_content_and_not_on_the_kind_of_object():
    given = Pictures()
    pixels = [np.asarray(given[i][0]) for i in range(12)]
    x, y = np.stack(pixels), [i % 2 for i in range(12)]
    names = ("cat", "dog")
    floats = torch.tensor(x).permute(0, 3, 1, 2) / 255
    kinds = [
        given,
        (x, y),
        (torch.tensor(x), torch.tensor(y)),
        (floats, np.array(y)),
        (list(map(Image.fromarray, x)), [names[label] for label in y]),
        list(zip(x, y, strict=True)),
    ]
    found = {str(da.Task(source=kind, target=Pictures(seed=1), classes=names)) for kind in kinds}
    assert len(found) == 1
    other = da.Task(source=Pictures(seed=2), target=Pictures(seed=1))
    assert other not in found
    assert da.Run(da.methods.MCC(), other, **SETTINGS).id != (
        da.Run(da.methods.MCC(), found.pop(), **SETTINGS).id
    )


def test_hugging_face_columns():
    class Image_:
        pass

    Image_.__name__ = "Image"
    kind = type("ClassLabel", (), {"names": ["cat", "dog"]})()

    class Table(Pictures):
        column_names = ("image", "label")
        features = {"image": Image_(), "label": kind}  # noqa: RUF012

        def __getitem__(self, i):
            return dict(zip(self.column_names, super().__getitem__(i), strict=True))

    assert da.Task(source=Table(), target=Pictures(seed=1)) == (
        da.Task(source=Pictures(), target=Pictures(seed=1))
    )
    Table.features = Table.features | {"other": Image_()}
    with pytest.raises(ValueError, match="source has the columns image, label, other, known: one"):
        da.Task(source=Table(), target=Pictures())


def test_classes_are_matched_by_name():
    target = Pictures(seed=1)
    target.classes = ("dog", "cat")
    task = tasks.load_task(da.Task(source=Pictures(), target=target))
    assert task.target_test.y.tolist() == [1, 0] * 6
    target.classes = ("dog", "cow")
    with pytest.raises(ValueError, match=r"target\[1\] has the label 'cow', known: cat, dog"):
        da.Task(source=Pictures(), target=target)


def test_a_target_without_labels_has_no_accuracy(tmp_path):
    task = da.Task(source=Pictures(), target=Pictures(seed=1, labeled=False))
    record = train(task)
    assert not any("target_accuracy" in point for point in record.curve)
    assert record.point("infomax")["entropy"] <= 0
    with pytest.raises(ValueError, match="no target_accuracy, known: last"):
        record.point("oracle")
    assert "scores without target labels" in render_table([record])
    assert "no target accuracy: the target of python:mine." in render_table([record])
    tested = train(da.Task(source=Pictures(), target=Pictures(seed=1)))
    assert "left out, as their targets have no labels" in render_table([record, tested])
    (stored,) = da.sweep(
        [da.Run(da.methods.DANN(), task, **SETTINGS, steps=1, batch=4)], tmp_path / "results"
    )
    assert stored == da.load_records(tmp_path / "results")[0]


def test_weights_are_chosen_without_labels():
    task = da.Task(source=Pictures(), target=Pictures(seed=1, labeled=False))
    tuning = da.FineTuning(chosen_by="infomax")
    assert len(train(task, tuning=tuning).curve) == 2


def test_labels_of_a_target_are_not_read_where_there_is_a_test():
    target = [(picture, SecretLabel()) for picture, _ in Pictures(seed=1)]
    task = da.Task(source=Pictures(), target=target, test=Pictures(6, seed=2))
    record = train(task)
    assert 0 <= record.curve[-1]["target_accuracy"] <= 100
    loaded = tasks.load_task(task)
    assert (len(loaded.target_train), len(loaded.target_test)) == (12, 6)
    with pytest.raises(AssertionError, match="a target label was read"):
        da.Task(source=Pictures(), target=target)


def test_shots_are_named_as_ever():
    task = da.Task(source=Pictures(), target=Pictures(seed=1))
    record = train(f"{task}+2shot", da.methods.FineTune())
    assert "+2shot" in record.settings["task"]


def test_a_version_stands_for_content():
    source, target = Pictures(), Pictures(seed=1)
    first = da.Task(source=source, target=target, version="1")
    reads = source.reads
    assert da.Task(source=source, target=target, version="1") == first
    assert source.reads == reads
    assert da.Task(source=source, target=target, version="2") != first
    assert tasks.load_task(first).classes == ("cat", "dog")


def test_a_record_is_read_without_the_data(home, tmp_path):
    task = da.Task(source=Pictures(), target=Pictures(seed=1))
    run = da.Run(da.methods.DANN(), task, **SETTINGS, steps=1, batch=4)
    da.sweep([run], tmp_path)
    shutil.rmtree(home)
    (record,) = da.load_records(tmp_path)
    assert "mine" in render_table([record])
    assert find_states([record], tmp_path) == {record.id: "current"}
    with pytest.raises(ValueError, match=f"the data of {task} is not here: build its task again"):
        da.train(run)


def test_stored_size_follows_the_side():
    wide = da.Task(source=Pictures(), target=Pictures(seed=1), side=300)
    assert tasks.open_domains(wide, Reading(300))[0].x.shape == (12, 343, 343, 3)
    usual = da.Task(source=Pictures(), target=Pictures(seed=1))
    with pytest.raises(ValueError, match=r"stored 256 pixels wide: .* da.Task\(..., side=300\)"):
        tasks.open_domains(usual, Reading(300))


def test_rows_of_numbers_are_features():
    task = da.Task(source=points(0), target=points(1, 0.5), name="rows")
    record = train(task, backbone="mlp", side=0)
    assert record.settings["task"].startswith("python:rows.")


def test_pictures_stay_as_they_are():
    picture = Image.fromarray(noise(8, 12, 3))
    exif = picture.getexif()
    exif[0x0112] = 6
    picture.info["exif"] = exif.tobytes()
    turned = to_stored(picture, 16, "it")
    assert picture.size == (12, 8)
    assert not np.array_equal(turned, to_stored(Image.fromarray(noise(8, 12, 3)), 16, "it"))


class Endless(IterableDataset):
    def __iter__(self):
        return iter(())


@pytest.mark.parametrize(
    ("source", "said"),
    [
        (Endless(), "source is a map-style Dataset, .*, not Endless; loaders go to da.fit"),
        ([], "source holds no images"),
        (7, "source is a map-style Dataset, .* not int"),
        (Pictures(labeled=False), r"source\[0\] has no label"),
        ((noise(4, 8, 8, 3), [0, 1]), "not of images and as many labels"),
        ((noise(4, 8, 8, 3), [0, 0, 0, 0]), "source has one class only, '0'"),
        ((noise(4, 8, 8, 3), [0, 1, -1, 0]), r"label of source\[2\] is -1, known"),
        ((noise(4, 8, 8, 3), [0, 1, 0.5, 0]), r"label of source\[2\] is 0.5, known"),
        ((noise(4, 8, 8, 3), [0, 1, "a", 0]), "numbers or names, not both"),
        ((noise(4, 8, 8, 3) / 100 - 1, [0, 1] * 2), r"values from .* leave normalization"),
        ((noise(4, 8, 8, 3).astype(int), [0, 1] * 2), "is of int64, known: uint8"),
        ((noise(4, 8, 8, 5), [0, 1] * 2), "has the shape"),
        ((["a", "b"], [0, 1]), "cannot decode a: No such file"),
        ((np.zeros((2, 0, 3), np.uint8), [0, 1]), "has the shape"),
        (([None, None], [0, 1]), r"source\[0\] is of NoneType, known: a path"),
        (([[1.0, 2], [np.nan, 3]], [0, 1]), r"source\[1\] has nan in column 0"),
        (([[1.0, 2], [1e99, 3]], [0, 1]), r"source\[1\] has 1e\+99 in column 0"),
        (([[1.0]] * 4, {"a": [0, 1] * 2, "b": [0, None] * 2}), r"column b of source\[1\] has no"),
        (([[1.0]] * 4, {"a": [0, 1] * 2, "b": [0] * 4}), "column b of source has one class only"),
    ],
)
def test_what_cannot_be_understood_is_named(source, said):
    with pytest.raises(ValueError, match=said):
        da.Task(source=source, target=Pictures())


def test_frames_are_read_by_place_whatever_their_index():
    rows, kinds, sizes = np.arange(30.0).reshape(10, 3), np.arange(10) % 2, np.arange(10) // 5
    frame = pd.DataFrame(rows, index=range(9, -1, -1))
    labels = pd.DataFrame({"kind": kinds, "size": sizes}, index=frame.index)

    def name(x, y):
        return da.Task(source=(x, y), target=x)

    assert name(frame, labels["kind"]) == name(rows, kinds)
    both = name(rows, {"kind": kinds, "size": sizes})
    assert name(frame, {"kind": labels["kind"], "size": labels["size"]}) == both


def test_lists_of_numbers_are_rows():
    rows = np.random.default_rng(0).normal(size=(4, 2)).astype(np.float32)
    y = [0, 1, 0, 1]
    expected = da.Task(source=(rows, y), target=rows)
    assert da.Task(source=(rows.tolist(), y), target=rows.tolist()) == expected
    assert to_stored(torch.ones(2, 2).bfloat16(), 4, "image").max() == 255


def test_domains_of_other_features_are_told():
    y = [0, 1, 0, 1]
    for target, said in ((np.zeros((4, 3)), "rows of 3 numbers"), (noise(4, 8, 8, 3), "images")):
        task = da.Task(source=(np.zeros((4, 2)), y), target=target)
        with pytest.raises(ValueError, match=f"rows of 2 numbers and .* has {said}"):
            tasks.load_task(task)


def test_wrong_names_are_told():
    with pytest.raises(ValueError, match="letters, digits and _, not 'a-b'"):
        da.Task(source=Pictures(), target=Pictures(), name="a-b")
    with pytest.raises(
        ValueError, match=r"no task of da.Task: python:cat-dog, known: what da.Task"
    ):
        tasks.load_task("python:cat-dog")


def test_paths_are_images(tmp_path):
    x, paths = noise(4, 8, 8, 3), [tmp_path / f"{i}.png" for i in range(4)]
    for image, path in zip(x, paths, strict=True):
        Image.fromarray(image).save(path)
    y = [0, 1, 0, 1]
    assert da.Task(source=(paths, y), target=paths) == da.Task(source=(x, y), target=x)
