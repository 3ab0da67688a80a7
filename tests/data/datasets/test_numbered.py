"""Published data sets whose classes are in a list of numbers, as the lists in circulation are."""

from pathlib import Path

import pytest

from da.config.registry import DATASETS

VISDA, CLEF = DATASETS["visda2017"].SET, DATASETS["imageclef_da"].SET


@pytest.fixture
def data(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("DA_DATA", str(tmp_path / "data"))
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()


def test_frames_of_videos_have_their_classes_in_a_list(data):
    test = data / "visda2017" / "test"
    touch(test, "trunk01/a.jpg", "trunk02/b.jpg", "trunk02/left.jpg")
    (test / "image_list.txt").write_text("trunk02/b.jpg 11\ntrunk01/a.jpg 0\n")
    (data / "visda2017" / "train").mkdir()
    (data / "visda2017" / "train" / "image_list.txt").write_text("aeroplane/src_1.png 0\n")
    images = VISDA.list_images("test")
    assert [
        (file.name, images.classes[c]) for file, c in zip(images.files, images.y, strict=True)
    ] == [
        ("b.jpg", "truck"),
        ("a.jpg", "aeroplane"),
    ]
    assert "aeroplane 1 of 5196" in images.notes[0]


@pytest.mark.parametrize(
    ("folder", "file", "line"),
    [
        ("imageclef_da/c", "imageclef_da/cList.txt", "c/{} {}"),
        ("image_CLEF/data/c", "image_CLEF/data/list/cList.txt", "/home/x/image_CLEF/c/{} {}"),
        ("c", "c.txt", "{} {}"),  # DA_DATA is its folder
    ],
)
def test_lists_of_imageclef_number_the_classes(data, folder, file, line):
    names = [f"{i}.jpg" for i in range(12)]
    touch(data / folder, *names)
    (data / file).parent.mkdir(parents=True, exist_ok=True)
    (data / file).write_text("".join(f"{line.format(name, i)}\n" for i, name in enumerate(names)))
    images = CLEF.list_images("caltech")
    assert images.y.tolist() == list(range(12))
    assert images.classes[:3] == ("airplane", "bike", "bird")
    assert images.notes == ("caltech: 12 images, 600 are published",)


def test_folders_of_classes_are_read_too(data):
    touch(data / "Image-CLEF/I", *(f"{name}/a.jpg" for name in ("aeroplane", *CLEF.names[1:])))
    assert len(CLEF.list_images("imagenet").files) == 12


@pytest.mark.parametrize(
    ("line", "error"),
    [
        ("c/b.jpg 12", r"cList\.txt, line 2: 'c/b.jpg 12', known: a path and a number below 12"),
        ("c/b.jpg", r"cList\.txt, line 2: 'c/b.jpg', known: a path"),
        ("c/z.jpg 1", r"cList\.txt, line 2: no image 'c/z.jpg' in .*/c"),
    ],
)
def test_wrong_lines_are_named(data, line, error):
    touch(data / "imageclef_da/c", "a.jpg", "b.jpg")
    (data / "imageclef_da/cList.txt").write_text(f"c/a.jpg 0\n{line}\n")
    with pytest.raises(ValueError, match=error):
        CLEF.list_images("caltech")


def test_what_is_missing_is_told(data):
    with pytest.raises(ValueError, match=r"ImageCLEF-DA is not here: .* Google Drive"):
        CLEF.list_images("pascal")
    with pytest.raises(ValueError, match=r"VisDA-2017 is not here: .*image_list.txt.*test\.tar"):
        VISDA.list_images("test")
