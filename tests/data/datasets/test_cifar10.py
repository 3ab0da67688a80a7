import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest

from da.cli.main import main
from da.data import tasks
from da.data.datasets import cifar10
from da.system import download
from da.system.cache import cache_home
from tests.fixtures import datasets


@pytest.fixture
def offline(monkeypatch) -> None:
    def refuse(url, timeout):
        raise ConnectionError("no network")

    monkeypatch.setattr(download, "urlopen", refuse)


@pytest.fixture
def root(tmp_path, monkeypatch, offline) -> Path:
    return datasets.cifar10(tmp_path / "cifar", monkeypatch)


def test_images_and_classes_are_those_of_the_batches(root):
    domain = cifar10.open_domain(str(root))
    assert domain.x.shape == (5 * 200 + 100, 32, 32, 3)
    second = datasets.noise(200, 3072, seed=1).reshape(200, 3, 32, 32)
    assert np.array_equal(domain.x[200:400], np.moveaxis(second, 1, -1))
    tests = datasets.noise(100, 3072, seed=0).reshape(100, 3, 32, 32)
    assert np.array_equal(domain.x[1000:], np.moveaxis(tests, 1, -1))
    assert domain.classes[:2] == ("airplane", "automobile")
    assert domain.y[:11].tolist() == [*range(10), 0]


def test_a_tenth_of_each_class_validates_and_no_image_is_in_two_sets(root):
    task = tasks.load_task(f"cifar10:{root}")
    parts = task.source_train, task.source_test, task.target_test
    rows = [part.rows.tolist() for part in parts]
    assert sorted(np.concatenate(rows)) == list(range(1100))
    assert [part.y.bincount().tolist() for part in parts] == [[90] * 10, [10] * 10, [10] * 10]
    assert min(rows[2]) == 1000
    again = cifar10.open_domain(str(root))
    assert again.rows["source_test"].tolist() == rows[1]


def test_the_archive_does_as_well_as_the_folder(root, tmp_path, monkeypatch):
    digest = cifar10.open_domain(str(root)).digest
    monkeypatch.setenv("DA_HOME", str(tmp_path / "other"))
    packed = datasets.cifar10(tmp_path / "packed", monkeypatch, packed=True)
    assert not (packed / cifar10.FOLDER).exists()
    assert cifar10.open_domain(str(packed)).digest == digest
    assert [file.name for file in packed.iterdir() if file.name[0] != "."] == [cifar10.ARCHIVE]


def test_without_a_path_it_is_in_da_data(root, monkeypatch):
    monkeypatch.setenv("DA_DATA", str(root))
    assert len(tasks.load_task("cifar10+5label").source_train) == 50


def error(task: str, capsys) -> str:
    """The one line of a run that ends with 2."""
    with pytest.raises(SystemExit) as ended:
        main(["train", "--task", task, "source_only"])
    assert ended.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_a_file_with_a_wrong_checksum_is_named(root, capsys):
    file = root / cifar10.FOLDER / "data_batch_3"
    data = bytearray(file.read_bytes())
    data[-50] ^= 1
    file.write_bytes(data)
    said = error(f"cifar10:{root}", capsys)
    assert f"{file} has MD5 " in said
    assert f"known: {cifar10.TRAIN['data_batch_3']}" in said
    assert not list((cache_home() / "cifar10").glob("pixels*"))


def test_missing_files_say_where_to_get_and_to_put_them(tmp_path, capsys, offline):
    empty = tmp_path / "empty"
    empty.mkdir()
    said = error(f"cifar10:{empty}", capsys)
    assert "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz: no network" in said
    assert f"put the file at {empty / cifar10.ARCHIVE} by hand" in said
    said = error("cifar10", capsys)
    assert f"put the file at {cache_home() / 'cifar10' / cifar10.ARCHIVE} by hand" in said
    assert "no such folder: '/no/cifar'" in error("cifar10:/no/cifar", capsys)


def test_an_archive_that_is_cut_off_is_named(tmp_path, monkeypatch, capsys, offline):
    packed = datasets.cifar10(tmp_path / "packed", monkeypatch, packed=True) / cifar10.ARCHIVE
    packed.write_bytes(packed.read_bytes()[:1000])
    assert f"{packed}: wrong content, SHA-256" in error(f"cifar10:{packed.parent}", capsys)


def test_batches_that_name_code_are_refused(root, monkeypatch):
    evil = pickle.dumps({"data": Path("/")}, protocol=2)
    (root / cifar10.FOLDER / "test_batch").write_bytes(evil)
    monkeypatch.setattr(cifar10, "TEST", {"test_batch": hashlib.md5(evil).hexdigest()})
    with pytest.raises(ValueError, match=r"a pickle names pathlib\.PosixPath"):
        cifar10.open_domain(str(root))
