"""CIFAR-10 and STL-10 in the forms in which they are published, with few images."""

import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.data import tasks
from da.data.datasets import cifar_stl
from da.data.datasets._cifar10_files import BATCHES
from da.data.domain import Domain
from tests.fixtures import datasets


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def binary_cifar(folder: Path) -> None:
    folder.mkdir(parents=True)
    for seed, name in enumerate(BATCHES):
        rows = datasets.noise(20, 3073, seed=seed)
        rows[:, 0] = np.arange(20) % 10
        (folder / f"{name}.bin").write_bytes(rows.tobytes())


def stl(folder: Path) -> None:
    folder.mkdir(parents=True)
    for seed, (part, n) in enumerate((("train", 20), ("test", 30))):
        x = np.repeat(np.repeat(datasets.noise(n, 3, 32, 32, seed=seed), 3, 2), 3, 3)
        (folder / f"{part}_X.bin").write_bytes(x.transpose(0, 1, 3, 2).tobytes())
        (folder / f"{part}_y.bin").write_bytes(bytes(i % 10 + 1 for i in range(n)))
        (folder / "unlabeled_X.bin").write_bytes(b"not looked at")


def dassl(data: Path) -> None:
    for part, n in (("train", 3), ("test", 2)):
        for i, name in enumerate(("airplane", "car", "bird", "cat", "deer")):
            for each in range(n):
                save(data, part, f"{i}_{name}", each)
        for i, name in enumerate(("dog", "horse", "ship", "truck")):
            for each in range(n):
                save(data, part, f"{i + 5}_{name}", each)


def save(data: Path, part: str, label: str, i: int) -> None:
    folder = data / "cifar_stl/cifar" / part / label
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(datasets.noise(32, 32, 3, seed=i)).save(folder / f"{i}.png")


def counts(domain: Domain) -> list[list[int]]:
    return [
        domain.y[domain.rows[part]].bincount(minlength=9).tolist()
        for part in ("source_train", "target_test")
    ]


@pytest.mark.parametrize("form", ["folder", "archive", "binary"])
def test_cifar_has_no_frogs(form, data, monkeypatch):
    if form == "binary":
        binary_cifar(data / "cifar10/cifar-10-batches-bin")
    else:
        datasets.cifar10(data / "cifar10", monkeypatch, 2, packed=form == "archive")
    domain = cifar_stl.open_domain("cifar")
    assert counts(domain) == [[10] * 9, [2 if form == "binary" else 1] * 9]
    assert domain.classes == cifar_stl.CLASSES
    frogs = np.arange(20) % 10 == 6
    if form == "binary":
        first = datasets.noise(20, 3073, seed=0)[:, 1:].reshape(-1, 3, 32, 32)[~frogs]
    else:
        first = datasets.noise(20, 3072, seed=0).reshape(-1, 3, 32, 32)[~frogs]
    assert (domain.x[:18].numpy() == first.transpose(0, 2, 3, 1)).all()
    assert domain.y[:9].tolist() == [*range(9)]


@pytest.mark.parametrize("packed", [False, True])
def test_stl_has_no_monkeys_and_the_order_of_cifar(packed, data, tmp_path):
    stl((tmp_path if packed else data) / "stl10_binary")
    if packed:
        with tarfile.open(data / "stl10_binary.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "stl10_binary", "stl10_binary")
    domain = cifar_stl.open_domain("stl")
    assert domain.x.shape == (18 + 27, 32, 32, 3)
    assert counts(domain) == [[2] * 9, [3] * 9]
    assert domain.y[:9].tolist() == [0, 2, 1, 3, 4, 5, 6, 7, 8]  # a car is third there
    own = datasets.noise(20, 3, 32, 32, seed=0)[1].transpose(1, 2, 0)
    seen = domain.x[1].numpy()
    assert np.corrcoef(seen.ravel(), own.ravel())[0, 1] > 0.95
    assert np.corrcoef(seen.transpose(1, 0, 2).ravel(), own.ravel())[0, 1] < 0.3
    (data / "stl10_binary").mkdir(exist_ok=True)
    for name in cifar_stl.PARTS:
        (data / "stl10_binary" / name).write_bytes(b"short")
    with pytest.raises(ValueError, match="has 5 bytes, known: a multiple of 27,648"):
        cifar_stl.open_domain("stl")


def test_folders_of_dassl_are_known_by_their_names(data):
    dassl(data)
    assert counts(cifar_stl.open_domain("cifar")) == [[3] * 9, [2] * 9]
    for file in (data / "cifar_stl/cifar/test/1_car").iterdir():
        file.unlink()
    (data / "cifar_stl/cifar/test/1_car").rmdir()
    with pytest.raises(ValueError, match="test lacks the class 'automobile'"):
        cifar_stl.open_domain("cifar")


def test_a_task_between_both_and_what_is_told(data):
    with pytest.raises(ValueError, match=r"stl of cifar_stl is not here.*stl10_binary\.tar\.gz"):
        cifar_stl.open_domain("stl")
    binary_cifar(data / "cifar-10-batches-bin")
    stl(data / "stl10_binary")
    task = tasks.load_task("cifar_stl:cifar-stl")
    assert (len(task.source_train), len(task.target_train), len(task.target_test)) == (90, 18, 27)
    assert [*cifar_stl.check()] == [
        "cifar_stl:cifar: 90 + 18 images, 45,000 + 9,000 are published",
        "cifar_stl:stl: 18 + 27 images, 4,500 + 7,200 are published",
    ]
