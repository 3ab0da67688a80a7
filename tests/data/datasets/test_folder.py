import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.data import splits
from da.data.datasets import folder
from da.data.tasks import open_domains
from da.system.cache import cache_home
from tests.fixtures.files import age


@pytest.fixture(autouse=True)
def fresh_home(monkeypatch, tmp_path):
    monkeypatch.setenv("DA_HOME", str(tmp_path / "home"))


def picture(file: Path, red: int) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (12, 8), (red, 0, 0)).save(file)


@pytest.fixture
def office(tmp_path) -> Path:
    root = tmp_path / "office-31" / "real-world:2"
    for i in range(5):
        picture(root / "mug" / f"{i}.png", i)
    picture(root / "bike" / "side" / "A.PNG", 100)
    picture(root / "bike" / "b.jpeg", 101)
    (root / "bike" / "notes.txt").write_text("no image")
    (root / "bike" / "._b.jpeg").write_bytes(b"what a Mac leaves behind")
    (root / ".git").mkdir()
    return root


def test_pair_survives_dashes_and_colons_in_paths(office, tmp_path):
    other = tmp_path / "office-31" / "web-cam"
    other.mkdir()
    for separator in "-:":
        assert folder.pair(f"{office}{separator}{other}") == (str(office), str(other))


def test_pair_names_the_folder_that_does_not_exist(office):
    with pytest.raises(ValueError, match=r"no such folder: '/no/web-cam'; known: .*webcam"):
        folder.pair(f"{office}-/no/web-cam")
    with pytest.raises(ValueError, match="no such folder: '/no/amazon', '/no/webcam'"):
        folder.pair("/no/amazon-/no/webcam")
    with pytest.raises(ValueError, match="'amazon' with no '-' in it"):
        folder.pair("amazon")


def test_pair_lists_all_readings_where_there_are_several(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for name in ("a", "b-c", "a-b", "c"):
        Path(name).mkdir()
    with pytest.raises(ValueError, match="'a' to 'b-c' or 'a-b' to 'c'"):
        folder.pair("a-b-c")
    assert folder.pair("a-./b-c") == ("a", "./b-c")


def test_images_of_all_depths_and_suffixes_become_pixels(office):
    domain = folder.open_domain(str(office))
    assert domain.classes == ("bike", "mug")
    assert domain.x.shape == (7, 256, 256, 3)
    assert domain.y.tolist() == [0, 0, 1, 1, 1, 1, 1]
    reds = domain.x[:, 128, 128, 0].tolist()
    assert reds[0] == pytest.approx(101, abs=2)  # jpeg
    assert reds[1:] == [100, 0, 1, 2, 3, 4]


def test_target_is_transductive_and_a_fifth_of_the_source_is_held_out(office):
    domain = folder.open_domain(str(office))
    rows = {name: set(part.tolist()) for name, part in domain.rows.items()}
    assert rows["target_train"] == rows["target_test"] == set(range(7))
    assert rows["source_train"] | rows["source_test"] == set(range(7))
    assert not rows["source_train"] & rows["source_test"]
    assert domain.y[domain.rows["source_test"]].tolist() == [0, 1]


def test_who_is_held_out_depends_on_names_alone():
    names = [f"{c}/{i}.png" for c in "ab" for i in range(50)]
    y = np.repeat([0, 1], 50)
    held = splits.hold_out(names, y)
    order = np.random.default_rng(0).permutation(100)
    again = splits.hold_out([names[i] for i in order], y[order])
    assert np.array_equal(again, held[order])
    assert held[:50].sum() == held[50:].sum() == 10
    assert not np.array_equal(held[:50], held[50:])


def test_one_image_a_class_cannot_be_split(tmp_path):
    picture(tmp_path / "images" / "mug" / "0.png", 0)
    with pytest.raises(ValueError, match="images has no class with two images"):
        folder.open_domain(str(tmp_path / "images"))


def test_large_sides_are_decoded_apart_and_small_ones_are_not(office):
    usual = folder.open_domain(str(office))
    assert folder.open_domain(str(office), 96).digest == usual.digest
    source, target = open_domains(f"folder:{office}-{office}", 300)
    assert source.x.shape == target.x.shape == (7, 343, 343, 3)
    assert folder.open_domain(str(office), 224).digest == usual.digest


def test_side_is_passed_only_to_benchmarks_of_any_side():
    assert open_domains("moons:0-1", 300)[0].x.ndim == 2


def test_a_folder_is_decoded_once(office, monkeypatch, capsys):
    first = folder.open_domain(str(office))
    assert f"decoding 7 images of {office}" in capsys.readouterr().err
    monkeypatch.setattr(folder, "decode_image", None)
    assert folder.open_domain(str(office)).digest == first.digest
    assert not capsys.readouterr().err


@pytest.mark.parametrize("change", ["content", "added", "removed"])
def test_a_changed_folder_is_decoded_anew(office, change):
    before = folder.open_domain(str(office))
    file = office / "mug" / "3.png"
    if change == "content":
        picture(file, 200)
        os.utime(file, ns=(0, 1))
    elif change == "added":
        picture(file.with_name("new.png"), 200)
    else:
        file.unlink()
    after = folder.open_domain(str(office))
    expected = {
        "content": [0, 1, 2, 200, 4],
        "added": [0, 1, 2, 3, 4, 200],
        "removed": [0, 1, 2, 4],
    }
    assert after.x[after.y == 1][:, 0, 0, 0].tolist() == expected[change]
    assert after.digest != before.digest


def test_pixels_of_earlier_states_make_room(office):
    """Those that nobody used for a month."""
    folder.open_domain(str(office))
    (old,) = stored()
    picture(office / "mug" / "new.png", 200)
    folder.open_domain(str(office))
    assert old.exists()
    age(old)
    picture(office / "mug" / "newer.png", 100)
    folder.open_domain(str(office))
    assert not old.exists()
    assert len(stored()) == 2


def stored() -> list[Path]:
    return [path for path in (cache_home() / "folder").iterdir() if path.is_dir()]


def test_an_undecodable_image_is_named_and_leaves_nothing(office):
    (office / "mug" / "3.png").write_bytes(b"no picture")
    with pytest.raises(ValueError, match=r"cannot decode .*mug/3\.png"):
        folder.open_domain(str(office))
    assert stored() == []


def test_a_broken_link_is_named(office):
    (office / "mug" / "9.png").symlink_to("nowhere.png")
    with pytest.raises(ValueError, match=r"cannot read .*mug/9\.png: No such file"):
        folder.open_domain(str(office))


def test_empty_folders_are_named(office, tmp_path):
    (office / "lamp").mkdir()
    with pytest.raises(ValueError, match=r"class folder .*lamp has no image"):
        folder.open_domain(str(office))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="empty has no class folders"):
        folder.open_domain(str(tmp_path / "empty"))


def test_an_unreadable_class_folder_is_named(office, monkeypatch):
    scandir = os.scandir

    def refuse(path):
        if Path(path).name == "side":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(ValueError, match=r"cannot read the folder .*bike/side: Permission denied"):
        folder.open_domain(str(office))


def test_an_unreadable_folder_is_named():
    with pytest.raises(ValueError, match="cannot read the folder /no/such: No such file"):
        folder.open_domain("/no/such")


def test_classes_that_differ_are_named(office, tmp_path):
    for i in range(2):
        picture(tmp_path / "web" / "mug" / f"{i}.png", i)
    with pytest.raises(ValueError, match=r"\['bike'\].*\[\]"):
        open_domains(f"folder:{office}-{tmp_path / 'web'}")
