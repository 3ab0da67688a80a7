"""Digit-Five as the files of M3SDA and as the folders of Dassl, with few images."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from da.data.datasets import digit_five as five
from tests.data.datasets.test_digits_official import cropped, grays, labels


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(five, "MOST", (25, 12))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def one_hot(n: int) -> np.ndarray:
    return np.eye(10)[labels(n)]


def colors(n: int, seed: int = 0) -> np.ndarray:
    return np.stack([grays(n, 32, seed + c) for c in range(3)], -1)


def write_mats(folder: Path) -> None:
    """Write the six files of M3SDA, with 40 training and 20 test images each."""
    folder.mkdir(parents=True)
    cropped(folder, "{}_32x32.mat", (40, 20))
    halves = (("train", 40), ("test", 20))
    mnist = {f"{part}_32": grays(n, 32, n).reshape(n, -1) for part, n in halves}
    kinds = {f"label_{part}": one_hot(n) for part, n in halves}
    savemat(folder / "mnist_data.mat", mnist | kinds)
    savemat(folder / "mnistm_with_label.mat", {p: colors(n, n) for p, n in halves} | kinds)
    syn = {f"{part}_data": colors(n, n) for part, n in halves}
    numbers = {f"{part}_label": labels(n)[:, None] for part, n in halves}
    savemat(folder / "syn_number.mat", syn | numbers)
    table = np.empty((2, 2), object)
    for row, (_, n) in zip(table, halves, strict=True):
        row[:] = [(grays(n, 28, n)[:, None] / 255).astype(np.float32), labels(n)[:, None]]
    savemat(folder / "usps_28x28.mat", {"dataset": table})


@pytest.mark.parametrize("packed", [False, True])
def test_each_file_of_m3sda_gives_so_many_images(packed, data, tmp_path):
    write_mats((tmp_path if packed else data) / "Digit-Five")
    if packed:
        with zipfile.ZipFile(data / "Digit-Five.zip", "w") as pack:
            for file in (tmp_path / "Digit-Five").iterdir():
                pack.write(file, f"Digit-Five/{file.name}")
    found = {name: five.open_domain(name) for name in five.DOMAINS}
    assert {name: [*map(len, d.rows.values())][::3] for name, d in found.items()} == {
        **{key: [25, 12] for key in ("mm", "sv", "sy")},
        "mt": [25, 20],
        "up": [40, 20],
    }
    for name, domain in found.items():
        assert domain.x.shape[1:] == (32, 32, 3)
        tests = domain.rows["target_test"]
        assert domain.y[tests].tolist() == labels(20)[: len(tests)].tolist()
        seen, own = domain.x[tests[3]].numpy(), colors(20, 20)[3]
        if name in ("mm", "sv", "sy"):
            assert (seen == own).all()
        elif name == "mt":
            assert (seen == own[..., :1]).all()
        else:
            assert np.abs(seen[2:30, 2:30, 0] - grays(20, 28, 20)[3].astype(float)).max() <= 1
    kinds = found["mm"].y[:25].numpy()
    whole = colors(40, 40)
    rows = [int((whole == x).all((1, 2, 3)).argmax()) for x in found["mm"].x[:25].numpy()]
    assert rows == sorted({*rows})
    assert rows != [*range(25)]
    assert kinds.tolist() == labels(40)[rows].tolist()


def test_folders_of_dassl_have_the_digit_in_the_name(data):
    for name in five.DASSL.values():
        for part, n in (("train", 40), ("test", 20)):
            folder = data / "digit5" / name / f"{part}_images"
            folder.mkdir(parents=True)
            for i, x in enumerate(grays(n, 28, n)):
                Image.fromarray(x).save(folder / f"{i + 1:05}_{i % 10}.png")
    counts = {name: [*map(len, five.open_domain(name).rows.values())][::3] for name in five.DOMAINS}
    assert counts == {**{key: [25, 12] for key in ("mt", "mm", "sv", "sy")}, "up": [40, 20]}
    usps = five.open_domain("up")
    assert usps.y.tolist() == [*labels(40), *labels(20)]
    assert (usps.x[40, 2:30, 2:30, 0].numpy() == grays(20, 28, 20)[0]).all()
    Image.fromarray(grays(1, 28)[0]).save(data / "digit5/usps/train_images/dog.png")
    with pytest.raises(ValueError, match=r"dog\.png has another name than NUMBER_DIGIT"):
        five.open_domain("up")


def test_what_is_missing_and_what_is_wrong_is_told(data):
    with pytest.raises(ValueError, match=r"mm of digit_five is not here.*Digit-Five\.zip.*Drive"):
        five.open_domain("mm")
    with pytest.raises(ValueError, match=f"Google Drive.*put it into {data}/digit_five"):
        [*five.fetch()]
    savemat(data / "usps_28x28.mat", {"dataset": np.zeros((3, 2))})
    with pytest.raises(ValueError, match="known: 2 x 2"):
        five.open_domain("up")
    savemat(data / "syn_number.mat", {"train_data": np.zeros((3, 2))})
    with pytest.raises(ValueError, match="lacks the array 'train_label'"):
        five.open_domain("sy")
