"""Digits in the forms in which they are published, with few of them."""

import bz2
import gzip
import pickle
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from da.data import tasks
from da.data.datasets import digits_official as digits
from da.system.cache import cache_home
from tests.data.datasets.test_digits import arrays, files, floats, offline

__all__ = ["arrays", "files", "offline"]
HALVES = (30, 20)


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def labels(n: int) -> np.ndarray:
    return np.arange(n) % 10


def grays(n: int, side: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(256, size=(n, side, side), dtype=np.uint8)


def floats_of(x: np.ndarray) -> np.ndarray:
    """Numbers from -1 to 1 as USPS has them."""
    return np.round(x.reshape(len(x), -1) / 127.5 - 1, 4)


def usps_libsvm(folder: Path) -> None:
    for name, n in zip(("usps.bz2", "usps.t.bz2"), HALVES, strict=True):
        rows = zip(labels(n), floats_of(grays(n, 16, n)), strict=True)
        lines = [f"{y + 1} {' '.join(f'{i + 1}:{v}' for i, v in enumerate(x))}\n" for y, x in rows]
        (folder / name).write_bytes(bz2.compress("".join(lines).encode()))


def usps_zip(folder: Path) -> None:
    for name, n in zip(("zip.train.gz", "zip.test.gz"), HALVES, strict=True):
        rows = zip(labels(n), floats_of(grays(n, 16, n)), strict=True)
        lines = [f"{y}.0000 {' '.join(map(str, x))} \n" for y, x in rows]
        (folder / name).write_bytes(gzip.compress("".join(lines).encode()))


def usps_pickle(folder: Path) -> None:
    halves = [
        (floats((grays(n, 28, n)[:, None] / 256).astype("f4")), floats(labels(n).astype("i8")))
        for n in HALVES
    ]
    pairs = b"".join(b"(" + b"".join(pair) + b"t" for pair in halves)
    (folder / "usps_28x28.pkl").write_bytes(gzip.compress(b"(" + pairs + b"t."))


def usps_png(folder: Path) -> None:
    (folder / "image_list").mkdir()
    for split, n in zip(("train", "test"), HALVES, strict=True):
        (folder / f"usps_{split}_image").mkdir()
        lines = []
        for i, x in enumerate(grays(n, 16, n)):
            Image.fromarray(x).save(folder / f"usps_{split}_image" / f"{i}.png")
            lines.append(f"/home/somebody/usps_{split}_image/{i}.png {i % 10}\n")
        (folder / "image_list" / f"usps_{split}.txt").write_text("".join(lines))


@pytest.mark.parametrize(
    ("write", "folder"),
    [
        (usps_libsvm, "usps"),
        (usps_pickle, "USPS"),
        (usps_png, "digits"),
        *((usps_zip, folder) for folder in (".", "usps", "digits/usps")),
    ],
)
def test_usps_is_read_in_each_of_its_files(write, folder, data):
    (data / folder).mkdir(parents=True, exist_ok=True)
    write(data / folder)
    domain = digits.open_domain("usps")
    assert domain.x.shape == (50, 32, 32, 3)
    assert domain.y.tolist() == [*labels(30), *labels(20)]
    assert domain.rows["source_train"].tolist() == domain.rows["target_train"].tolist()
    assert domain.rows["target_test"].tolist() == [*range(30, 50)]
    assert not domain.x[:, :2].any()
    assert not domain.x[:, :, 30:].any()
    inner = domain.x[40, 2:30, 2:30, 0].numpy()
    if write == usps_pickle:
        assert np.abs(inner - grays(20, 28, 20)[10].astype(float)).max() <= 2
    else:
        own = Image.fromarray(grays(20, 16, 20)[10]).resize((28, 28), Image.Resampling.BILINEAR)
        most = 80 if write == usps_png else 2  # files of images are enlarged by other weights
        assert np.abs(inner - np.asarray(own, float)).max() <= most


def test_a_pickle_that_names_code_is_refused(data):
    (data / "usps_28x28.pkl").write_bytes(pickle.dumps(((print, 1), (2, 3)), protocol=2))
    with pytest.raises(
        ValueError, match=r"usps_28x28\.pkl is no pickle .*: a pickle names \w+\.print"
    ):
        digits.open_domain("usps")
    (data / "usps_28x28.pkl").write_bytes(b"no pickle")
    with pytest.raises(ValueError, match=r"usps_28x28\.pkl is no pickle"):
        digits.open_domain("usps")


@pytest.mark.parametrize("line", ["11 1:0.5", "3 300:0.5", "3 0.5"])
def test_a_line_of_usps_in_another_form_is_told(line, data):
    usps_libsvm(data)
    (data / "usps.bz2").write_bytes(bz2.compress(line.encode()))
    with pytest.raises(ValueError, match=r"usps\.bz2 (is no USPS|has classes)"):
        digits.open_domain("usps")


def cropped(folder: Path, name: str, of: tuple[int, int]) -> None:
    """Write files as SVHN and SynDigits have them: the digit 0 is class 10."""
    for split, n in zip(("train", "test"), of, strict=True):
        x = np.stack([grays(n, 32, n + c) for c in range(3)], -1)
        y = labels(n)[:, None]
        savemat(
            folder / name.format(split),
            {"X": x.transpose(1, 2, 3, 0), "y": np.where(y == 0, 10, y).astype(np.uint8)},
        )


def test_svhn_has_10_for_0_and_its_balanced_part(data):
    (data / "svhn").mkdir()
    cropped(data / "svhn", "{}_32x32.mat", (37, 20))
    domain = digits.open_domain("svhn")
    assert domain.y.tolist() == [*labels(37), *labels(20)]
    assert (domain.x[3, :, :, 2].numpy() == grays(37, 32, 39)[3]).all()
    balanced = digits.open_domain("svhn_balanced")
    assert balanced.y[balanced.rows["source_train"]].bincount().tolist() == [3] * 10
    (data / "svhn/train_32x32.mat").write_bytes(b"no file of MATLAB")
    with pytest.raises(ValueError, match=r"cannot read .*/train_32x32\.mat: "):
        digits.open_domain("svhn")


def test_the_balanced_list_of_tllib_is_used_where_it_is(data):
    (data / "digits/image_list").mkdir(parents=True)
    with tarfile.open(data / "digits/svhn_image.tar.gz", "w:gz") as tar:
        for i in range(40):
            Image.fromarray(grays(1, 32, i)[0]).save(data / "one.png")
            tar.add(data / "one.png", f"svhn_image/{i}.png")
    lines = "".join(f"svhn_image/{i}.png {i % 10}\n" for i in range(40))
    (data / "digits/image_list/svhn_balanced.txt").write_text(lines)
    domain = digits.open_domain("svhn_balanced")
    assert (domain.x[7, :, :, 0].numpy() == grays(1, 32, 7)[0]).all()
    assert [len(domain.rows[part]) for part in domain.rows] == [30, 10, 30, 10]


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_m_of_its_authors_has_32_pixels(packed, data, tmp_path):
    root = (tmp_path if packed else data) / "mnist_m"
    for split, n in zip(("train", "test"), HALVES, strict=True):
        (root / f"mnist_m_{split}").mkdir(parents=True)
        for i, x in enumerate(np.stack([grays(n, 32, c) for c in range(3)], -1)):
            Image.fromarray(x).save(root / f"mnist_m_{split}" / f"{i:08}.png")
        lines = "".join(f"{i:08}.png {i % 10}\n" for i in range(n))
        (root / f"mnist_m_{split}_labels.txt").write_text(lines)
    if packed:
        with tarfile.open(data / "mnist_m.tar.gz", "w:gz") as tar:
            tar.add(root, "mnist_m")
    domain = digits.open_domain("mnistm")
    assert (domain.x[4, :, :, 1].numpy() == grays(30, 32, 1)[4]).all()
    assert domain.y.tolist() == [*labels(30), *labels(20)]


def test_syndigits_come_out_of_their_archive(data, tmp_path):
    cropped(tmp_path, "synth_{}_32x32.mat", HALVES)
    with zipfile.ZipFile(data / "SynthDigits.zip", "w") as pack:
        for split in ("train", "test"):
            pack.write(tmp_path / f"synth_{split}_32x32.mat", f"synth_{split}_32x32.mat")
    assert digits.open_domain("syn").y.tolist() == [*labels(30), *labels(20)]


def test_mnist_is_taken_from_da_data_and_fetched_else(data, files, offline, arrays):
    with pytest.raises(ValueError, match="cannot get MNIST: no train-images"):
        digits.open_domain("mnist")
    (data / "MNIST/raw").mkdir(parents=True)
    for name, content in files.items():
        (data / "MNIST/raw" / name).write_bytes(content)
    domain = digits.open_domain("mnist")
    assert (domain.x[:6, 2:30, 2:30, 1].numpy() == arrays[0]).all()
    assert domain.y.tolist() == [*range(6), *range(3)]


def test_the_subset_protocol_draws_training_images_once(data, monkeypatch):
    usps_zip(data)
    monkeypatch.setattr(digits, "SUBSETS", {"usps1800": ("usps", 12)})
    domain = digits.open_domain("usps1800")
    assert [len(rows) for rows in domain.rows.values()] == [12, 20, 12, 20]
    whole = digits.open_domain("usps").x.numpy()
    rows = [int((whole == x).all((1, 2, 3)).argmax()) for x in domain.x[:12].numpy()]
    assert rows == sorted({*rows})
    assert rows != [*range(12)]
    assert domain.y[:12].tolist() == labels(30)[rows].tolist()


def test_a_task_between_two_of_them(data):
    usps_zip(data)
    cropped(data, "{}_32x32.mat", HALVES)
    task = tasks.load_task("digits_official:svhn-usps")
    assert (len(task.source_train), len(task.target_train), len(task.target_test)) == (30, 30, 20)


def test_what_is_missing_is_told_and_numbers_are_compared(data, offline):
    with pytest.raises(ValueError, match=r"usps of digits_official is not here.*usps\.t\.bz2"):
        digits.open_domain("usps")
    usps_zip(data)
    lines = [line for line in digits.check() if line.startswith("digits_official:usps:")]
    assert lines == ["digits_official:usps: 30 + 20 images, 7,291 + 2,007 are published"]
    assert not [*(cache_home() / "digits_official").glob("*.part")]
