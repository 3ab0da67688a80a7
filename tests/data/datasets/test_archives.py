"""Published data sets that are here as the archives in which they come."""

import io
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

from da.config.registry import DATASETS
from da.data.class_lists import read_lines
from da.system.cache import cache_home


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def pack(file: Path, names: Iterable[str], content: bytes = b"") -> None:
    """Write an archive of files that all have one content."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if file.suffix == ".zip":
        with zipfile.ZipFile(file, "w") as zipped:
            for name in names:
                zipped.writestr(name, content)
        return
    with tarfile.open(file, "w:gz" if file.suffix in (".gz", ".tgz") else "w") as tar:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))


def images(name: str, folder: str, of: int = 1) -> list[str]:
    """Paths of images of all classes of a data set."""
    labels = DATASETS[name].SET.names
    return [f"{folder}/{label}/{i}.jpg" for label in labels for i in range(of)]


PACKED = {
    "office31/domain_adaptation_images.tar.gz": ("office31", "webcam", "webcam/images"),
    "office31/webcam.tgz": ("office31", "webcam", "webcam/images"),
    "visda/train.tar": ("visda2017", "synthetic", "train"),
    "validation.tar": ("visda2017", "real", "validation"),
    "PACS.zip": ("pacs", "sketch", "PACS/sketch"),
    "OfficeHomeDataset_10072016.zip": ("officehome", "real", "OfficeHomeDataset/Real World"),
    "office_home.zip": ("officehome", "real", "data/OfficeHome/Real World"),
}


@pytest.mark.parametrize("file", PACKED)
def test_an_archive_is_as_good_as_its_folder(file, data):
    name, domain, inside = PACKED[file]
    pack(data / file, images(name, inside))
    pack(data / "office31/amazon.tgz", images("office31", "amazon/images"))
    found = DATASETS[name].SET.list_images(domain)
    assert len(found.files) == len(found.classes)
    assert found.root.is_relative_to(cache_home() / "unpacked")
    assert len([*(cache_home() / "unpacked").glob("[!.]*")]) == 1  # no other archive is unpacked


def test_an_archive_of_the_same_name_without_its_classes_stays_packed(data):
    pack(data / "train.tar", ["train/cat/1.jpg"])
    with pytest.raises(ValueError, match="VisDA-2017 is not here"):
        DATASETS["visda2017"].SET.list_images("synthetic")
    assert not (cache_home() / "unpacked").exists()


@pytest.mark.parametrize("packed", [False, True])
def test_lists_lie_next_to_the_archives_or_in_one(packed, data):
    pack(data / "domainnet/real.zip", images("domainnet40", "real", 2))
    lines = {
        f"real_{split}_mini.txt": "".join(
            f"real/{label}/{i}.jpg 0\n" for label in DATASETS["domainnet40"].SET.names
        )
        for i, split in enumerate(("train", "test"))
    }
    if packed:
        with zipfile.ZipFile(data / "domainnet/image_list.zip", "w") as zipped:
            for file, text in lines.items():
                zipped.writestr(f"image_list/{file}", text)
    else:
        for file, text in lines.items():
            (data / "domainnet" / file).write_text(text)
    found = DATASETS["domainnet40"].SET.list_images("real")
    assert found.sets.tolist() == [0] * 40 + [1] * 40
    assert all(file.is_file() for file in found.files)


FLAT = {
    ("visda2017/test.tar", "visda2017/image_list.txt"): ("visda2017", "test", "test/trunk01"),
    ("test.zip", "visda/test/image_list.txt"): ("visda2017", "test", "trunk01"),
    ("image-clef.zip", ""): ("imageclef_da", "caltech", "image_CLEF/data/c"),
    ("c.zip", "list/cList.txt"): ("imageclef_da", "caltech", "c"),
}


@pytest.mark.parametrize(("file", "lines"), FLAT)
def test_an_archive_of_flat_folders_is_as_good_as_these(file, lines, data):
    name, domain, inside = FLAT[file, lines]
    paths = [f"{inside}/{i}.jpg" for i in range(3)]
    text = "".join(f"{'/'.join(path.split('/')[-2:])} {i}\n" for i, path in enumerate(paths))
    pack(data / file, paths)
    pack(data / "visda2017/test.tgz", ["test/other/1.jpg"])
    if lines:
        (data / lines).parent.mkdir(parents=True, exist_ok=True)
        (data / lines).write_text(text)
    else:
        with zipfile.ZipFile(data / file, "a") as zipped:
            zipped.writestr("image_CLEF/data/list/cList.txt", text)
    found = DATASETS[name].SET.list_images(domain)
    assert found.y.tolist() == [0, 1, 2]
    assert len([*(cache_home() / "unpacked").glob("[!.]*")]) == 1  # no other archive is unpacked


def test_the_archive_of_caltech_256_is_as_good_as_its_folder(data):
    shared = {line["category"][:3]: line["category"] for line in read_lines("imagenet_caltech")}
    labels = [shared.get(f"{i:03}", f"{i:03}.other") for i in range(1, 257)]
    pack(
        data / "256_ObjectCategories.tar",
        [f"256_ObjectCategories/{label}/1.jpg" for label in labels],
    )
    assert len(DATASETS["imagenet_caltech"].list_images("caltech84").files) == 84


@pytest.mark.parametrize("top", ["splits_mini/", ""])
def test_the_lists_of_minidomainnet_may_be_in_their_archive(top, data):
    pack(data / "domainnet/real.zip", images("domainnet126", "real", 2))
    with zipfile.ZipFile(data / "domainnet/splits_mini.zip", "w") as zipped:
        for i, split in enumerate(("train", "test")):
            zipped.writestr(f"{top}real_{split}.txt", f"real/bee/{i}.jpg 0\nreal/ant/{i}.jpg 1\n")
    found = DATASETS["minidomainnet"].current().list_images("real")
    assert (found.classes, found.y.tolist()) == (("ant", "bee"), [1, 0, 1, 0])
