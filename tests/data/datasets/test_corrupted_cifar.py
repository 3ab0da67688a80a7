"""CIFAR-10-C and CIFAR-100-C in the forms in which they are published, with few images."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest

from da.cli.main import main
from da.config.registry import DATASETS
from da.data import corruption_names as names
from da.data import tasks
from da.data.corruptions import CHANGES
from da.data.datasets import cifar10_c, cifar100_c
from tests.fixtures import datasets


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def corrupted(folder: Path, corruptions: tuple[str, ...] = ("fog", "snow"), classes: int = 10):
    """Write arrays of 40 images in five severities, one after the other."""
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "labels.npy", np.tile(np.arange(40) % classes, 5).astype(np.uint8))
    for seed, name in enumerate(corruptions):
        np.save(folder / f"{name}.npy", datasets.noise(200, 32, 32, 3, seed=seed))


@pytest.mark.parametrize("form", ["CIFAR-10-C", "deep/CIFAR-10-C", "cifar10_c", "packed"])
def test_a_severity_is_a_fifth_of_the_rows_in_their_order(form, data, tmp_path):
    corrupted(data / "CIFAR-100-C", classes=40)  # files of the same names
    if form == "packed":
        corrupted(tmp_path / "CIFAR-10-C")
        with tarfile.open(data / "CIFAR-10-C.tar", "w") as tar:
            tar.add(tmp_path / "CIFAR-10-C", "CIFAR-10-C")
    else:
        corrupted(data / form)
    domain = cifar10_c.open_domain("snow3")
    assert (domain.x.numpy() == datasets.noise(200, 32, 32, 3, seed=1)[80:120]).all()
    assert domain.y.tolist() == [i % 10 for i in range(40)]
    assert domain.rows["target_train"].tolist() == domain.rows["target_test"].tolist()
    assert domain.rows["target_test"].tolist() == [*range(40)]
    assert not (tmp_path / "home/unpacked").exists()


def test_a_task_adapts_from_the_images_without_corruption(data, monkeypatch):
    datasets.cifar10(data, monkeypatch, 2)
    corrupted(data / "CIFAR-10-C")
    task = tasks.load_task("cifar10_c:clean-fog5")
    assert (len(task.source_train), len(task.source_test), len(task.target_test)) == (100, 10, 40)
    assert task.classes == DATASETS["cifar10"].CLASSES
    several = tasks.load_task("cifar10_c:clean-fog5,snow1")
    assert len(several.target_test) == 80


def test_cifar_100_is_read_without_code(data):
    (data / "cifar-100-python").mkdir()
    for name, n in (("train", 200), ("test", 100)):
        content = datasets.python_2_batch(datasets.noise(n, 3072), [i % 100 for i in range(n)])
        content = content.replace(b"labels", b"fine_labels").replace(b"U\x06fine", b"U\x0bfine")
        (data / "cifar-100-python" / name).write_bytes(content)
    with tarfile.open(data / "other.tar.gz", "w:gz") as tar:
        tar.add(data / "cifar-100-python", "cifar-100-python")
    domain = cifar100_c.open_domain("clean")
    assert domain.y.tolist() == [*range(100), *range(100), *range(100)]
    assert domain.classes[:2] == ("apple", "aquarium_fish")
    own = datasets.noise(200, 3072).reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    assert (domain.x[:200].numpy() == own).all()
    (data / "other.tar.gz").rename(data / "cifar-100-python.tar.gz")
    for file in (data / "cifar-100-python").iterdir():
        file.unlink()
    assert cifar100_c.open_domain("clean").digest == domain.digest
    (data / "cifar-100-python/train").write_bytes(pickle.dumps(io.BytesIO, protocol=2))
    (data / "cifar-100-python/test").touch()
    with pytest.raises(ValueError, match="is no file of CIFAR-100: a pickle names"):
        cifar100_c.open_domain("clean")


def test_other_arrays_are_told(data):
    folder = data / "CIFAR-10-C"
    corrupted(folder, classes=40)
    with pytest.raises(ValueError, match=r"labels\.npy has classes up to 39, known: 10 classes"):
        cifar10_c.open_domain("fog1")
    np.save(folder / "labels.npy", np.zeros(199))
    with pytest.raises(ValueError, match=r"fog\.npy has \(200, 32, 32, 3\) images and \(199,\)"):
        cifar10_c.open_domain("fog1")
    np.save(folder / "labels.npy", np.array([{}], object))
    with pytest.raises(ValueError, match=r"cannot read .*CIFAR-10-C: "):
        cifar10_c.open_domain("fog1")


def test_nothing_is_fetched_where_all_is_here(data, monkeypatch, capsys):
    datasets.cifar10(data, monkeypatch, 2)
    corrupted(data / "CIFAR-10-C", names.ALL)
    main(["data", "cifar10_c"])
    assert capsys.readouterr().out == (
        "cifar10_c: nothing more to fetch; tasks are written cifar10_c:clean-gaussian_noise5\n"
    )
    main(["data", "cifar10_c", "--check"])
    assert capsys.readouterr().out.splitlines()[1] == "cifar10_c:shot_noise: 40 images a severity"


def test_a_check_says_once_what_is_missing_and_where_it_comes_from(data, capsys):
    corrupted(data / "CIFAR-10-C")
    main(["data", "cifar10_c", "--check"])
    clean, *found, rest = capsys.readouterr().out.splitlines()
    assert "put cifar-10-python.tar.gz (http" in clean
    assert [line.partition(": 40")[0] for line in found] == ["cifar10_c:snow", "cifar10_c:fog"]
    assert rest.startswith("cifar10_c: gaussian_noise, shot_noise")
    assert "put CIFAR-10-C.tar (http" in rest


def test_a_wrong_name_and_what_is_missing_are_told(data):
    for task, wrong in (("clean-fog6", "fog6"), ("noise1-fog5", "noise1")):
        told = f"unknown corruption {wrong!r}, known: a severity from 1 to 5 after .*, and clean"
        with pytest.raises(ValueError, match=told):
            tasks.parse_task(f"cifar10_c:{task}")
    corrupted(data)  # of which set is not said
    with pytest.raises(
        ValueError, match=r"fog5 of cifar100_c is not.*: put CIFAR-100-C\.tar \(http"
    ):
        cifar100_c.open_domain("fog5")


def test_names_and_orders_are_those_of_the_tables():
    assert len({*names.ALL}) == 19
    assert tuple(CHANGES) == names.STANDARD
    assert all(sorted(order) == sorted(names.STANDARD) for order in names.ORDERS.values())
    assert len(names.ORDERS) == 13
    assert names.ORDERS["robustbench"][:4] == ("shot_noise", "motion_blur", "snow", "pixelate")
    assert names.ORDERS["rotta"][:3] == ("motion_blur", "snow", "fog")
    assert names.ORDERS["rotta"] == names.ORDERS["cotta5"]
    assert names.ORDERS["cotta9"][-2:] == ("motion_blur", "brightness")
    assert sorted(c for group in names.GROUPS.values() for c in group) == sorted(names.ALL)
    assert names.split_task("clean-fog5,snow1", "clean") == ("clean", "fog5,snow1")
