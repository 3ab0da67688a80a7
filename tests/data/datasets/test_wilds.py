"""Data sets of WILDS, in small folders as the package unpacks them."""

import tarfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from da.cli.main import main
from da.config.registry import DATASETS
from da.data import tasks
from da.evaluation.measured import _of_groups
from da.evaluation.metrics import Decided

CAMELYON = [
    # patient, node, x, y, tumor, slide, center, split
    *(("004", 4, i, 7, i % 2, 0, 0, 0) for i in range(4)),
    *(("017", 1, i, 7, i % 2, 5, 3, 1) for i in range(2)),
    *(("020", 2, i, 7, i % 2, 6, 1, 0) for i in range(2)),
    *(("040", 0, i, 7, i % 2, 8, 2, 0) for i in range(6)),
]


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def write(file: Path, number: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (8, 8), (number * 9 % 256, number, 0)).save(file)


def table(file: Path, head: str, lines: list[tuple[object, ...]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    rows = [",".join(map(str, line)) for line in lines]
    file.write_text("\n".join([head, *rows]) + "\n")


def camelyon(folder: Path, lines: list[tuple[object, ...]]) -> None:
    head = ",patient,node,x_coord,y_coord,tumor,slide,center,split"
    table(folder / "metadata.csv", head, [(i, *line) for i, line in enumerate(lines)])
    for i, (patient, node, x, y, *_) in enumerate(lines):
        slide = f"patient_{patient}_node_{node}"
        write(folder / "patches" / slide / f"patch_{slide}_x_{x}_y_{y}.png", i)


def test_camelyon17_has_the_official_splits(data):
    camelyon(data / "wilds" / "camelyon17_v1.0", CAMELYON)
    task = tasks.load_task("camelyon17:train-test")
    assert task.classes == ("normal", "tumor")
    assert (len(task.source_train), len(task.source_test)) == (4, 2)
    assert len(task.target_train) == len(task.target_test) == 6
    assert task.target_test.y.tolist() == [0, 1, 0, 1, 0, 1]
    source, target = tasks.open_domains("camelyon17:train-val")
    assert (len(source.x), len(target.x)) == (6, 2)


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        (",tumor,", ",label,", r"metadata\.csv has no column 'tumor'"),
        ("13,040,0,5,7,1,8,2,0\n", "13,040,0", r"metadata\.csv was cut off, .*line 15 has too few"),
        (",040,0,0,7,0,", ",040,0,0,7,2,", "has the label '2', known: numbers below 2"),
    ],
)
def test_a_damaged_table_is_named(old, new, error, data):
    camelyon(data / "Camelyon17_V1.0", CAMELYON)
    file = data / "Camelyon17_V1.0" / "metadata.csv"
    file.write_text(file.read_text().replace(old, new))
    with pytest.raises(ValueError, match=error):
        DATASETS["camelyon17"].SET.list_images("test")


@pytest.mark.parametrize("inside", [".", "camelyon17_v1.0"])
def test_an_archive_is_unpacked(inside, data, monkeypatch):
    monkeypatch.setenv("DA_HOME", str(data / "home"))
    folder = data / "elsewhere"
    camelyon(folder, CAMELYON)
    (data / "camelyon17").mkdir()
    with tarfile.open(data / "camelyon17" / "camelyon17_v1.0.tar.gz", "w:gz") as pack:
        pack.add(folder, inside)
    images = DATASETS["camelyon17"].SET.list_images("test")
    assert [file.is_file() for file in images.files] == [True] * 6


def test_unlabeled_patches_are_tested_on_labeled_ones(data):
    camelyon(data / "camelyon17_v1.0", CAMELYON)
    camelyon(data / "camelyon17_unlabeled_v1.0", CAMELYON[-3:])
    name = "camelyon17:train-test_unlabeled"
    source, target = tasks.open_domains(name)
    assert not target.is_labeled
    task = tasks.build_task(name, source, target, *tasks.open_tests(name, "test"))
    assert (len(task.target_train), len(task.target_test)) == (3, 6)
    assert task.is_tested


FMOW = [
    # split, category, timestamp, country_code
    ("train", "zoo", "2007-05-01T00:00:00Z", "FRA"),
    ("seq", "zoo", "2012-12-31T23:00:00Z", "FRA"),
    ("val", "zoo", "2011-05-01T00:00:00Z", "FRA"),
    ("test", "airport", "2010-05-01T00:00:00Z", "USA"),
    ("val", "airport", "2013-01-01T00:00:00Z", "USA"),
    ("test", "airport", "2014-05-01T00:00:00Z", "USA"),
    ("train", "airport", "2015-12-31T23:59:00Z", "USA"),
    ("test", "zoo", "2016-01-01T00:00:00Z", "FRA"),
    ("val", "zoo", "2017-05-01T00:00:00Z", "FRA"),
    ("seq", "zoo", "2017-05-01T00:00:00Z", "FRA"),
]
LANDS = "FRA", "USA", "FRA", "XYZ"
REGIONS = [("FRA", "Europe"), ("USA", "Americas"), ("KEN", "Africa")]
SPLITS = {
    "train": [0, 2, 3],  # the sets id_val and id_test too
    "id_val": [2],
    "id_test": [3],
    "val": [4],
    "test": [7],
    "train_unlabeled": [1],
    "val_unlabeled": [6],
    "test_unlabeled": [9],
}


def fmow(folder: Path) -> None:
    table(folder / "rgb_metadata.csv", "split,category,timestamp,country_code", FMOW)
    table(folder / "country_code_mapping.csv", "alpha-3,region", REGIONS)


def test_fmow_splits_by_year_and_numbers_all_lines(data):
    fmow(data / "fmow_v1.1")
    for name, lines in SPLITS.items():
        images = DATASETS["fmow"].SET.list_images(name)
        assert [file.name for file in images.files] == [f"rgb_img_{i}.png" for i in lines]
        assert images.classes == (() if "unlabeled" in name else ("airport", "zoo"))
    rows = DATASETS["fmow"].SET
    assert rows.list_images("train").sets.tolist() == [0, 1, 2]
    assert rows.list_images("train").y.tolist() == [1, 1, 0]


def test_fmow_tells_the_accuracy_of_each_region(data):
    lines = [
        ("test", c, "2016-01-01T00:00:00Z", land) for c, land in zip("aabb", LANDS, strict=True)
    ]
    folder = data / "fmow_v1.1"
    fmow(folder)
    table(folder / "rgb_metadata.csv", "split,category,timestamp,country_code", lines)
    for i in range(4):
        write(folder / "images" / f"rgb_img_{i}.png", i)
    domain = DATASETS["fmow"].open_domain("test")
    assert domain.groups
    assert domain.groups.classes == ("Africa", "Americas", "Europe")
    assert domain.groups.y.tolist() == [2, 1, 2, -1]
    assert domain.columns == ()
    test = domain.part(domain.rows["target_test"])
    decided = Decided(test.y, torch.zeros(4, dtype=torch.int64), 2)
    found = _of_groups(decided, domain.groups, test.rows)
    assert found == {"group/Americas": 100.0, "group/Europe": 50.0, "metric/worst_group": 50.0}


WILDCAM = [
    # split, location_remapped, y, filename
    ("train", 3, 0, "a.jpg"),
    ("train", 3, 10, "b.jpg"),
    ("train", 3, 0, "e.jpg"),
    ("id_val", 3, 2, "c.jpg"),
    ("id_test", 3, 2, "f.jpg"),
    ("test", 4, 10, "d.jpg"),
]


def test_iwildcam_names_species_where_it_can(data):
    folder = data / "iwildcam_v2.0"
    table(folder / "metadata.csv", "split,location_remapped,y,filename", WILDCAM)
    images = DATASETS["iwildcam"].SET.list_images("train")
    assert images.classes == ("0", "2", "10")
    assert images.files[0] == folder / "train" / "a.jpg"
    names = [(0, "empty"), (2, "tayassu pecari"), (10, "puma concolor")]
    table(folder / "categories.csv", "y,name", names)
    images = DATASETS["iwildcam"].SET.list_images("test")
    assert [images.classes[c] for c in images.y] == ["puma concolor"]
    table(folder / "categories.csv", "y,name", [(0, "empty"), (2, "empty")])
    assert DATASETS["iwildcam"].SET.list_images("test").classes == ("0", "2", "10")


def test_training_images_are_tested_on_their_own_places(data):
    folder = data / "iwildcam_v2.0"
    table(folder / "metadata.csv", "split,location_remapped,y,filename", WILDCAM)
    for i, line in enumerate(WILDCAM):
        write(folder / "train" / str(line[3]), i)
    domain = DATASETS["iwildcam"].open_domain("train")
    rows = {part: rows.tolist() for part, rows in domain.rows.items()}
    assert rows == {
        "source_train": [0, 1, 2],
        "source_test": [3],
        "target_train": [0, 1, 2],
        "target_test": [4],
    }


def test_what_is_missing_is_told(data, capsys, monkeypatch):
    data.mkdir()
    with pytest.raises(
        ValueError, match=r"no folder iwildcam_v2.0 has metadata.csv\. It comes from"
    ):
        tasks.open_domains("iwildcam:train-test")
    table(data / "iwildcam_v2.0" / "metadata.csv", "split,location_remapped,y,filename", WILDCAM)
    with pytest.raises(ValueError, match=r"metadata\.csv has no image of the split val"):
        tasks.open_domains("iwildcam:train-val")
    camelyon(data / "camelyon17_v1.0", CAMELYON)
    camelyon(data / "camelyon17_unlabeled_v1.0", CAMELYON)
    next((data / "camelyon17_v1.0").rglob("*_x_0_y_7.png")).unlink()
    main(["data", "camelyon17", "--check"])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 7
    assert "4 images in" in lines[0]
    assert "1 are not there: patch_patient" in "".join(lines)
    assert lines[4].endswith("; 1799247 images are published")
    monkeypatch.delenv("DA_DATA")
    with pytest.raises(ValueError, match="DA_DATA is not set"):
        tasks.open_domains("fmow:train-test")
