import os
from pathlib import Path

import pytest

from da.data.datasets._class_folders import list_classes, split_name


def touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(os.fsencode(name))


def test_names_of_splits_are_known_in_any_case():
    assert [split_name(name) for name in ("Training", "VALID", "eval", "trains")] == [
        "train",
        "val",
        "test",
        "",
    ]


def test_folders_that_hold_the_same_folders_are_no_classes(tmp_path):
    touch(tmp_path, *(f"{a}/{b}/0.png" for a in ("real", "clipart") for b in ("cat", "dog")))
    said = r"clipart, real all hold the same folders, cat, dog; if these are the classes, name one"
    with pytest.raises(ValueError, match=said):
        list_classes(tmp_path)
    touch(tmp_path, "real/1.png")
    assert list_classes(tmp_path).classes == ("clipart", "real")


def test_one_folder_in_each_class_is_part_of_the_class(tmp_path):
    """As in Tiny ImageNet: CLASS/images."""
    touch(tmp_path, "cat/images/0.png", "dog/images/0.png")
    assert list_classes(tmp_path).classes == ("cat", "dog")


@pytest.mark.parametrize("name", ["a\nb", "a\x1b[31m", "a\udcff"])
def test_a_class_has_a_name_that_is_text(tmp_path, name):
    touch(tmp_path, "cat/0.png", f"{name}/0.png")
    with pytest.raises(ValueError, match=r"(?s)class folder .* has a name with the character '.*'"):
        list_classes(tmp_path)
    (tmp_path / name).rename(tmp_path / "Ä 🧑\u200d🚀")
    assert list_classes(tmp_path).classes == ("cat", "Ä 🧑\u200d🚀")


def test_a_class_without_images_says_what_is_there_instead(tmp_path):
    touch(tmp_path, "cat/0.png", "dog/0.heic", "dog/1.heic")
    with pytest.raises(ValueError, match=r"class folder .*dog has no image in it, only 2 \.heic"):
        list_classes(tmp_path)
    (tmp_path / "dog").rename(tmp_path / ".dog")
    (tmp_path / "dog").symlink_to("cat")
    with pytest.raises(
        ValueError, match="dog has no image in it: all are links to images of other"
    ):
        list_classes(tmp_path)


def test_sets_are_listed_one_after_another(tmp_path):
    touch(tmp_path, *(f"{s}/{c}/{i}.png" for s in "ab" for c in ("x", "y") for i in range(2)))
    images = list_classes(tmp_path, [tmp_path / "b", tmp_path / "a"])
    assert images.names[:3] == ["b/x/0.png", "b/x/1.png", "b/y/0.png"]
    assert images.y.tolist() == [0, 0, 1, 1] * 2
    assert images.sets.tolist() == [0] * 4 + [1] * 4
    fewer = images.without({tmp_path / "b/x/1.png", tmp_path / "a/y/0.png"})
    assert fewer.names == [
        "b/x/0.png",
        "b/y/0.png",
        "b/y/1.png",
        "a/x/0.png",
        "a/x/1.png",
        "a/y/1.png",
    ]
    assert (fewer.y.tolist(), fewer.sets.tolist()) == ([0, 1, 1, 0, 0, 1], [0, 0, 0, 1, 1, 1])
