"""ImageNet-C as folders of severities and in its archives, with an image a class."""

import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from da.data import tasks
from da.data.datasets import imagenet_c, imagenet_c5000
from tests.fixtures import datasets

NAMES = imagenet_c.SET.names


@pytest.fixture(autouse=True)
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def write(folder: Path, side: int = 0, of: int = 1, names=NAMES) -> None:
    for c, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        for i in range(of):
            if side:
                pixels = datasets.noise(side, side, 3, seed=10 * c + i)
                Image.fromarray(pixels).save(folder / name / f"{i}.png")
            else:
                (folder / name / f"{i}.png").touch()


@pytest.mark.slow
@pytest.mark.parametrize(
    "place", ["imagenet_c", "imagenet_c/noise", "ImageNet-C/noise", "imagenet/ImageNet-C", "."]
)
def test_a_severity_is_a_folder(place, data):
    write(data / place / "gaussian_noise/5")
    images = imagenet_c.SET.list_images("gaussian_noise5")
    assert images.classes == NAMES
    assert [file.parent.name for file in images.files] == [*NAMES]
    assert any("1000 images, 50000 are published" in note for note in images.notes)
    with pytest.raises(ValueError, match=r"ImageNet-C is not here: .*zenodo"):
        imagenet_c.SET.list_images("gaussian_noise4")
    with pytest.raises(ValueError, match="unknown corruption 'noise5'"):
        imagenet_c.pair("clean-noise5")
    assert imagenet_c.pair("val-fog1,fog2") == ("val", "fog1,fog2")


@pytest.mark.slow
def test_one_archive_holds_a_group_of_corruptions(data, tmp_path):
    write(tmp_path / "fog/3")
    (data / "imagenet_c").mkdir()
    with tarfile.open(data / "imagenet_c/weather.tar", "w") as tar:
        tar.add(tmp_path / "fog", "fog")
    with tarfile.open(data / "imagenet_c/blur.tar", "w") as tar:
        tar.add(tmp_path / "fog", "blur/defocus_blur")
    assert len(imagenet_c.SET.list_images("fog3").files) == 1000
    assert len([*(tmp_path / "home/unpacked").glob("[!.]*")]) == 1


def test_images_keep_their_pixels_and_those_of_imagenet_do_not(data, monkeypatch):
    each = replace(imagenet_c.SET, classes=NAMES[:4], versions=())
    write(data / "imagenet_c/fog/1", 224, names=NAMES[:4])
    write(data / "imagenet/train", 30, 2, names=NAMES[:4])
    domain = each.open_domain("fog1")
    assert domain.x.shape == (4, 224, 224, 3)
    assert (domain.x[2].numpy() == datasets.noise(224, 224, 3, seed=20)).all()
    assert each.open_domain("fog1", side=448).x.shape == (4, 512, 512, 3)
    assert each.open_domain("clean").x.shape == (8, 256, 256, 3)
    monkeypatch.setattr(imagenet_c, "open_domain", each.open_domain)
    task = tasks.load_task("imagenet_c:clean-fog1")
    assert (len(task.source_train), len(task.target_test)) == (4, 4)


def test_5000_images_are_those_of_a_list_in_its_order(data):
    each = replace(imagenet_c5000.SET, classes=NAMES[:4], versions=())
    write(data / "imagenet_c/fog/1", of=3, names=NAMES[:4])
    write(data / "imagenet/train", of=3, names=NAMES[:4])
    with pytest.raises(ValueError, match=r"no list imagenet_test_image_ids\.txt of RobustBench"):
        each.list_images("fog1")
    listed = [f"{NAMES[2]}/1.png", f"{NAMES[0]}/2.png", f"{NAMES[2]}/0.png"]
    (data / "imagenet_c/imagenet_test_image_ids.txt").write_text("\n".join(listed) + "\n")
    images = each.list_images("fog1")
    assert images.names == listed
    assert images.y.tolist() == [2, 0, 2]
    assert len(each.list_images("clean").files) == 12
    assert "list" not in each._missing()
    told = [line for line in each.check() if ":fog1:" in line]
    assert told[-1].startswith("imagenet_c5000:fog1: 3 images in ")
    (data / "imagenet_c/fog/1" / listed[1]).unlink()
    with pytest.raises(ValueError, match=f"fog/1 lacks {listed[1]}, which"):
        each.list_images("fog1")
