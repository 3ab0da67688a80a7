import gzip
from pathlib import Path

import numpy as np
import pytest

from da.data import tasks
from da.data.datasets import fashion_mnist
from da.system import download
from da.system.cache import cache_home
from tests.fixtures import datasets


@pytest.fixture
def asked(monkeypatch) -> list[str]:
    """Addresses that were asked; none answers."""
    urls: list[str] = []

    def refuse(url, timeout):
        urls.append(url)
        raise ConnectionError("no network")

    monkeypatch.setattr(download, "urlopen", refuse)
    return urls


@pytest.fixture
def root(tmp_path, monkeypatch, asked) -> Path:
    return datasets.fashion_mnist(tmp_path / "fashion", monkeypatch)


def test_images_are_gray_in_three_channels(root):
    domain = fashion_mnist.open_domain(str(root))
    train = datasets.noise(200, 28, 28, seed=0)
    assert np.array_equal(domain.x[:200], np.repeat(train[..., None], 3, -1))
    assert domain.x.shape == (300, 28, 28, 3)
    assert domain.classes[9] == "Ankle boot"


def test_a_tenth_of_each_class_validates_and_no_image_is_in_two_sets(root):
    task = tasks.load_task(f"fashion_mnist:{root}")
    parts = task.source_train, task.source_test, task.target_test
    assert [part.y.bincount().tolist() for part in parts] == [[18] * 10, [2] * 10, [10] * 10]
    assert sorted(np.concatenate([part.rows for part in parts])) == list(range(300))
    again = tasks.load_task(f"fashion_mnist:{root}")
    assert again.source_test.rows.equal(task.source_test.rows)


@pytest.mark.parametrize("place", ["debian", "DA_DATA", "torchvision", "unpacked", "home"])
def test_every_place_is_looked_at(root, tmp_path, monkeypatch, asked, place):
    if place == "debian":
        monkeypatch.setattr(fashion_mnist, "DEBIAN", root)
    elif place == "DA_DATA":
        monkeypatch.setenv("DA_DATA", str(root))
    elif place == "home":
        cache_home().mkdir()
        root.rename(cache_home() / "fashion_mnist")
    else:
        monkeypatch.setenv("DA_DATA", str(tmp_path))
        raw = tmp_path / "FashionMNIST" / "raw"
        raw.parent.mkdir()
        root.rename(raw)
        if place == "unpacked":
            for file in raw.iterdir():
                (raw / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
                file.unlink()
    assert len(tasks.load_task("fashion_mnist+5label").source_train) == 50
    assert not asked


def test_the_mirror_is_asked_at_last(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(fashion_mnist, "DEBIAN", tmp_path)
    with pytest.raises(ValueError, match=r"cannot get Fashion-MNIST: .* no network") as error:
        fashion_mnist.open_domain("")
    assert asked == [f"{fashion_mnist.MIRRORS[0]}train-images-idx3-ubyte.gz"]
    assert str(tmp_path) in str(error.value)


def test_a_wrong_file_is_named(root, asked):
    name = "t10k-labels-idx1-ubyte"
    (root / f"{name}.gz").write_bytes(gzip.compress(b"\0\0\x08\x01\0\0\0\x01\0"))
    with pytest.raises(ValueError, match=f"{name} has SHA-256") as error:
        fashion_mnist.open_domain(str(root))
    assert "\n" not in str(error.value)
    assert not asked


def test_a_path_without_the_files_is_named(tmp_path, asked):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"no train-images-idx3-ubyte\[\.gz\] in .*empty;"):
        fashion_mnist.open_domain(str(tmp_path / "empty"))
    with pytest.raises(ValueError, match="no such folder: '/no/such'"):
        tasks.parse_task("fashion_mnist:/no/such")
    assert not asked
