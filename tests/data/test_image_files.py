import os
from pathlib import Path

import pytest
from PIL import Image

from da.data import image_files
from da.data.decode import NO_IMAGES
from da.data.image_files import find_images, is_image_name


def touch(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(file.name.encode())


def names(root: Path, *folders: str) -> list[list[str]]:
    found = find_images([root / folder for folder in folders] or [root])
    return [[file.relative_to(root).as_posix() for file in files] for files in found.images]


def test_all_endings_of_images_that_pillow_opens_are_known():
    known = Image.registered_extensions().items()
    opened = {end for end, kind in known if kind in Image.OPEN and kind not in NO_IMAGES}
    assert opened <= image_files.SUFFIXES
    assert is_image_name("a.JFIF")
    assert not any(map(is_image_name, ("a.pdf", "a.eps", "a.mpg", "a.h5", "a.txt", "png", "a")))


def test_endings_of_plugins_are_known(monkeypatch):
    assert not is_image_name("a.heic")
    monkeypatch.setitem(Image.EXTENSION, ".heic", "HEIF")
    monkeypatch.setitem(Image.OPEN, "HEIF", (None, None))
    assert is_image_name("a.heic")


def test_hidden_files_and_folders_are_left_out_at_every_depth(tmp_path):
    touch(tmp_path / "a" / "b" / "0.png", tmp_path / "a" / ".ipynb_checkpoints" / "0.png")
    touch(tmp_path / "a" / "b" / "._0.png", tmp_path / "@eaDir" / "0.png")
    assert names(tmp_path) == [["a/b/0.png"]]


def test_other_files_are_counted_by_their_endings(tmp_path):
    touch(*(tmp_path / name for name in ("0.png", "a.txt", "b.TXT", "c.xml", "README")))
    os.mkfifo(tmp_path / "pipe.png")
    found = find_images([tmp_path])
    assert found.describe() == ["left out: 2 .txt, 1 .xml, 1 special files, 1 without an ending"]


@pytest.mark.parametrize("target", [".", ".."])
def test_a_link_that_loops_is_named(tmp_path, target):
    touch(tmp_path / "a" / "0.png", tmp_path / "a" / "1.png")
    (tmp_path / "a" / "again").symlink_to(target)
    found = find_images([tmp_path])
    assert names(tmp_path) == [["a/0.png", "a/1.png"]]
    assert found.describe() == [
        f"left out links to folders of the same images: {tmp_path / 'a' / 'again'}"
    ]


def test_links_to_images_elsewhere_are_followed(tmp_path):
    touch(tmp_path / "store" / "x" / "0.png", tmp_path / "store" / "1.png")
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "linked").symlink_to("../store/x")
    (tmp_path / "a" / "2.png").symlink_to("../store/1.png")
    assert names(tmp_path, "a") == [["a/2.png", "a/linked/0.png"]]


def test_of_several_links_to_a_file_the_file_itself_counts(tmp_path):
    touch(tmp_path / "b" / "0.png", tmp_path / "b" / "deep" / "1.png", tmp_path / "a" / "2.png")
    (tmp_path / "a" / "0.png").symlink_to("../b/0.png")
    (tmp_path / "a" / "deep").symlink_to("../b/deep")
    os.link(tmp_path / "a" / "2.png", tmp_path / "b" / "hard.png")
    assert names(tmp_path, "a", "b") == [["a/2.png"], ["b/0.png", "b/deep/1.png"]]
    assert find_images([tmp_path / "a", tmp_path / "b"]).again == 2


def test_broken_links_are_images_that_cannot_be_read(tmp_path):
    (tmp_path / "0.png").symlink_to("nowhere")
    (tmp_path / "1.png").symlink_to("1.png")
    (tmp_path / "loop").symlink_to("loop")
    assert names(tmp_path) == [["0.png", "1.png"]]


def test_files_are_in_the_order_of_the_parts_of_their_paths(tmp_path):
    touch(tmp_path / "a-b" / "0.png", tmp_path / "a" / "0.png")
    assert names(tmp_path) == [["a/0.png", "a-b/0.png"]]
