import json
import os
import unicodedata
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from PIL import Image

from da.cli.main import main
from da.config.choices import Fit
from da.config.registry import DATASETS
from da.data import image_files, splits
from da.data.datasets import _decoding, folder
from da.data.reading import Reading
from da.data.tasks import load_task, open_domains
from da.results import records
from da.system.cache import cache_home
from tests.fixtures.datasets import image_folder
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


def test_pair_names_the_folder_that_does_not_exist(office, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    plain = Path("plain")
    plain.mkdir()
    with pytest.raises(ValueError, match=r"no such folder: '/no/web-cam'; known: .*webcam"):
        folder.pair(f"{office}-/no/web-cam")
    with pytest.raises(ValueError, match="no such folder: '/no/amazon', '/no/webcam'"):
        folder.pair("/no/amazon-/no/webcam")
    with pytest.raises(
        ValueError, match=r"'/no/a,/no/b'; .*a side is one folder, commas join none"
    ):
        folder.pair(f"{office}-/no/a,/no/b")
    with pytest.raises(ValueError, match="'amazon' with no '-' in it"):
        folder.pair("amazon")
    with pytest.raises(
        ValueError, match=r"is one folder, .* are two; imagefolder:plain trains on one$"
    ):
        folder.pair(str(plain))


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


def test_a_target_with_one_image_a_class_is_used_and_a_source_refused(office, tmp_path):
    few = tmp_path / "few"
    for label in ("bike", "mug"):
        picture(few / label / "0.png", 0)
    _, target = open_domains(f"folder:{office}-{few}")
    assert [len(target.rows[part]) for part in ("target_train", "target_test")] == [2, 2]
    task = load_task(f"folder:{office}-{few}")
    assert (len(task.target_train), len(task.target_test)) == (2, 2)
    with pytest.raises(ValueError, match="few has no class with two images: none of the source"):
        open_domains(f"folder:{few}-{office}")
    with pytest.raises(ValueError, match="no target image is left for tests"):
        load_task(f"folder:{office}-{few}+1shot")


def test_large_sides_are_decoded_apart_and_small_ones_are_not(office):
    usual = folder.open_domain(str(office))
    assert folder.open_domain(str(office), 96).digest == usual.digest
    source, target = open_domains(f"folder:{office}-{office}", Reading(300))
    assert source.x.shape == target.x.shape == (7, 343, 343, 3)
    assert folder.open_domain(str(office), 224).digest == usual.digest


def test_side_is_passed_only_to_benchmarks_of_any_side():
    assert open_domains("moons:0-1", Reading(300))[0].x.ndim == 2


def test_a_folder_is_decoded_once(office, monkeypatch, capsys):
    first = folder.open_domain(str(office))
    assert f"decoding 7 images of {office}" in capsys.readouterr().err
    monkeypatch.setattr(_decoding, "try_decode", None)
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
    with pytest.raises(ValueError, match=r"cannot decode .*mug/9\.png: No such file"):
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


def test_classes_that_differ_are_named_before_anything_is_decoded(office, monkeypatch, tmp_path):
    monkeypatch.setattr(_decoding, "try_decode", None)
    for label in ("lamp", "mug"):
        picture(tmp_path / "web" / label / "0.png", 0)
    with pytest.raises(ValueError, match=r"real-world:2 has bike, only .*web has lamp"):
        open_domains(f"folder:{office}-{tmp_path / 'web'}")


def test_a_lone_folder_is_stepped_into_and_told(tmp_path, capsys):
    """Office-31 unpacks to amazon/images/CLASS."""
    for label in ("bike", "mug"):
        picture(tmp_path / "amazon" / "images" / label / "0.jpg", 0)
    domain = folder.open_domain(str(tmp_path / "amazon"))
    assert domain.classes == ("bike", "mug")
    told = capsys.readouterr().err
    assert f"{tmp_path / 'amazon'} holds one folder: its classes are those in" in told
    assert folder.open_domain(str(tmp_path / "amazon" / "images")).digest == domain.digest


def test_one_class_is_refused(tmp_path):
    picture(tmp_path / "images" / "mug" / "0.png", 0)
    with pytest.raises(ValueError, match="images has one class only, 'mug': two are needed"):
        folder.open_domain(str(tmp_path / "images"))


@pytest.mark.parametrize(
    "names",
    [("train", "test"), ("Training", "VALID"), ("eval", "train", "mug"), ("a/test", "a/train")],
)
def test_splits_are_no_classes(tmp_path, names):
    for name in names:
        for label in ("bike", "mug"):
            picture(tmp_path / "domain" / name / label / "0.png", 0)
    with pytest.raises(
        ValueError, match=r"holds splits of a data set, .*: name one of them, as in "
    ):
        folder.open_domain(str(tmp_path / "domain"))


def test_a_class_called_train_among_others_is_a_class(tmp_path):
    """As in VisDA-2017."""
    for label in ("bus", "train", "truck"):
        picture(tmp_path / label / "0.png", 0)
    assert folder.open_domain(str(tmp_path)).classes == ("bus", "train", "truck")


def test_a_name_in_two_unicode_forms_is_one_class(tmp_path):
    forms = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    for form, domain in zip(forms, "ab", strict=True):
        for label in (form, "z"):
            for i in range(2):
                picture(tmp_path / domain / label / f"{i}.png", i)
    source, target = open_domains(f"folder:{tmp_path / 'a'}-{tmp_path / 'b'}")
    assert source.classes == target.classes == ("z", forms[0])
    picture(tmp_path / "a" / forms[1] / "0.png", 0)
    with pytest.raises(ValueError, match=f"has two folders {forms[1]!r}: their names look"):
        folder.open_domain(str(tmp_path / "a"))


def test_what_is_left_out_is_told_once(office, capsys):
    (office / "mug" / "again").symlink_to(".")
    (office / "mug" / "0 again.png").symlink_to("0.png")
    picture(office / "cover.png", 0)
    assert len(folder.open_domain(str(office)).y) == 7
    assert capsys.readouterr().err.splitlines() == [
        f"folder: {office}: left out: 1 .txt",
        f"folder: {office}: left out links to folders of the same images: {office}/mug/again",
        f"folder: {office}: left out: 1 links to images that count already",
        f"folder: {office}: left out: 1 images of no class in {office.name}",
        f"folder: decoding 7 images of {office}, once",
    ]
    folder.open_domain(str(office))
    assert not capsys.readouterr().err


def test_pixels_of_older_rules_of_decoding_are_not_used(office, monkeypatch):
    files = list(office.rglob("*.png"))
    key = image_files.cache_key(office, files, 256)
    monkeypatch.setattr(image_files, "VERSION", image_files.VERSION + 1)
    assert image_files.cache_key(office, files, 256) != key


def test_class_folders_that_changed_places_are_noticed_where_sizes_and_times_are_equal(tmp_path):
    root = tmp_path / "faces"
    for label, red in (("ann", 10), ("bob", 200)):
        picture(root / label / "0.bmp", red)
        os.utime(root / label / "0.bmp", (1e9, 1e9))
    before = folder.open_domain(str(root)).x[:, 0, 0, 0].tolist()
    for old, new in (("ann", "other"), ("bob", "ann"), ("other", "bob")):
        (root / old).rename(root / new)
    assert folder.open_domain(str(root)).x[:, 0, 0, 0].tolist() == before[::-1]


def test_dark_images_of_16_bits_are_told(office, capsys):
    Image.fromarray(np.full((4, 4), 4095, np.uint16)).save(office / "mug" / "dark.png")
    folder.open_domain(str(office))
    assert f"{office}: no value in 1 images of 16 bits is above 4095" in capsys.readouterr().err


def spoil(office: Path) -> list[Path]:
    """Make images bad: two that a check finds, and one that only decoding finds."""
    bad = [office / "bike" / "b.jpeg", office / "mug" / "1.png"]
    for file in bad:
        file.write_bytes(b"no image")
    cut = office / "mug" / "3.png"
    picture(cut, 3)
    Image.effect_noise((64, 64), 50).save(cut)
    cut.write_bytes(cut.read_bytes()[:-900])
    return [*bad, cut]


def test_all_bad_images_are_named_before_any_is_decoded(office, monkeypatch):
    bad = spoil(office)
    monkeypatch.setattr(_decoding, "try_decode", None)
    with pytest.raises(ValueError, match="cannot decode 2 of 7 images: ") as raised:
        folder.open_domain(str(office))
    named = ", ".join(map(str, sorted(bad[:2])))
    assert f": {named}: it is not an image, or of an unknown format; --skip" in str(raised.value)
    assert str(raised.value).endswith("; --skip-bad goes on without such images")
    Image.new("F", (4, 4)).save(bad[0].with_suffix(".tif"))
    with pytest.raises(ValueError, match=r"cannot decode 3 of 8 images: ") as raised:
        folder.open_domain(str(office))
    assert str(raised.value).count("it is not an image, or of an unknown format") == 2


def test_long_lists_of_bad_images_are_shortened(office):
    for file in (office / "mug").iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(
        ValueError,
        match=r"5 of 7 images: .*mug/2.png and 2 more: it is not an image, [^:]*; --skip",
    ):
        folder.open_domain(str(office))


def test_bad_images_may_be_skipped_and_are_counted(office, capsys):
    good = folder.open_domain(str(office), skip_bad=True)
    assert good.left_out == 0
    bad = spoil(office)
    domain = folder.open_domain(str(office), skip_bad=True)
    assert domain.left_out == 3
    assert domain.y.tolist() == [0, 1, 1, 1]
    assert domain.x[:, 128, 128, 0].tolist() == [100, 0, 2, 4]
    assert sorted(domain.rows["target_train"].tolist()) == [0, 1, 2, 3]
    told = capsys.readouterr().err
    assert "left out, as --skip-bad says: 3 of 7 images: " in told
    assert all(str(file) in told for file in bad)
    with pytest.raises(ValueError, match="cannot decode 3 of 7 images"):
        folder.open_domain(str(office))


def test_bad_images_of_both_domains_are_named_at_once(office, tmp_path, monkeypatch):
    other = image_folder(tmp_path / "web", ("bike", "mug"), each=2)
    bad = [*spoil(office)[:2], other / "mug" / "mug-00.png"]
    bad[-1].write_bytes(b"no image")
    monkeypatch.setattr(_decoding, "try_decode", None)
    with pytest.raises(ValueError, match=r"cannot decode 2 of 7 images: .*, nor ") as raised:
        open_domains(f"folder:{office}-{other}")
    assert all(f"{file}" in str(raised.value) for file in bad)


def test_a_class_of_bad_images_alone_is_named(office):
    for file in (office / "mug").iterdir():
        file.write_bytes(b"no image")
    with pytest.raises(ValueError, match=f"no image of class 'mug' in {office} is left"):
        folder.open_domain(str(office), skip_bad=True)


FAST = "--backbone lenet --init random --regime full --side 28 --steps 1 --batch 4 --device cpu"


@pytest.mark.slow
def test_a_record_says_how_many_images_were_skipped(office, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spoil(office)
    for i in range(3):
        for label in ("bike", "mug"):
            picture(tmp_path / "web" / label / f"{i}.png", i)
    words = ["train", "--task", f"folder:{tmp_path / 'web'}-{office}", *FAST.split()]
    main([*words, "--skip-bad", "--wandb", "off", "source_only"])
    (file,) = Path("results").glob("*.json")
    assert records.read(file).made_from["skipped_target"] == 3
    assert "skipped_source" not in json.loads(file.read_text())["made_from"]


@pytest.mark.parametrize("option", [{"skip_bad": True}, {"fit": "crop"}])
def test_other_benchmarks_have_no_files_of_yours(option):
    (name,) = option
    with pytest.raises(ValueError, match=f"{name} is for images of your own, not for moons"):
        open_domains("moons:0-1", Reading(**option))


@pytest.mark.parametrize("benchmark", ["folder", "list", "imagefolder"])
def test_each_fit_is_stored_apart(tmp_path, benchmark):
    root = tmp_path / "pictures"
    for label, color in (("cat", "red"), ("dog", "blue")):
        (root / label).mkdir(parents=True)
        for i in range(3):
            image = Image.new("RGB", (16, 4), color)
            image.putpixel((0, 0), (255, 255, 255))  # which the middle lacks
            image.save(root / label / f"{i}.png")
    lines = [f"{file.relative_to(root)},{file.parent.name}\n" for file in root.glob("*/*")]
    (root / "all.csv").write_text("".join(["path,label\n", *lines]))
    name = root / "all.csv" if benchmark == "list" else root
    opened = {fit: DATASETS[benchmark].open_domain(str(name), fit=fit) for fit in get_args(Fit)}
    dark = {fit: (domain.x[0] == 0).all(2).float().mean() for fit, domain in opened.items()}
    assert dark == {"squash": 0, "crop": 0, "pad": 0.75}
    assert len({domain.digest for domain in opened.values()}) == 3
