"""Folders as users have them, from public bug reports of this field's tools: what is right."""

import json
import re
import shutil
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from PIL import Image

from tests.contracts.faults.children import da
from tests.contracts.faults.outcomes import FAILED, REFUSED, RESULT, Outcome
from tests.contracts.faults.test_command_lines import GOOD
from tests.fixtures.pictures import CLASSES, class_folders, stripe

SETTINGS = "--backbone lenet --init random --regime full --side 28 --batch 8 --wandb off"


def train(lab: Path, task: str, *more: object, steps: int = 60, method: str = "source_only"):
    """Train on a task, and return what came of it."""
    words = ["train", "--task", task, *SETTINGS.split(), "--steps", steps, "--eval-every", steps]
    return da(lab, *words, *more, method)


def record(lab: Path, done: Outcome) -> dict[str, Any]:
    """Return the record that a training said it wrote."""
    assert done.kind == RESULT, done.said
    named = re.search(r"results/\w+\.json", done.printed)
    assert named
    return json.loads((lab / named[0]).read_text())


def accuracy(lab: Path, done: Outcome) -> float:
    """Return the target accuracy of a training."""
    return record(lab, done)["curve"][-1]["target_accuracy"]


def classes(lab: Path, done: Outcome) -> set[str]:
    """Return the classes that a training had."""
    point = record(lab, done)["curve"][-1]
    return {name.removeprefix("predicted/") for name in point if name.startswith("predicted/")}


def decoded(lab: Path) -> set[int]:
    """Return the numbers of images in the decoded domains."""
    return {len(np.load(file)) for file in (lab.parent / "home").rglob("x.npy")}


def grey(label: int, domain: int, number: int) -> np.ndarray:
    return np.asarray(stripe(label, domain, number).convert("L"))


def grey8(label: int, domain: int, number: int) -> Image.Image:
    return Image.fromarray(grey(label, domain, number))


def grey16(label: int, domain: int, number: int) -> Image.Image:
    return Image.fromarray(grey(label, domain, number).astype(np.uint16) * 257)


def black(label: int, domain: int, number: int) -> Image.Image:
    """A black stripe on a transparent ground."""
    x = np.zeros((32, 32, 4), np.uint8)
    x[2 + 8 * label : 10 + 8 * label, 4 + domain : 24 + number // 2, 3] = 255
    return Image.fromarray(x)


def on_white(label: int, domain: int, number: int) -> Image.Image:
    x = np.asarray(black(label, domain, number))[..., 3:]
    return Image.fromarray(np.repeat(255 - x, 3, axis=2))


def static(label: int, domain: int, number: int) -> Image.Image:
    """Noise, which says nothing of the class."""
    rng = np.random.default_rng([label, number])
    return Image.fromarray(rng.integers(256, size=(4, 4, 3), dtype=np.uint8)).resize((32, 32), 0)


@pytest.fixture
def noise(lab: Path) -> Path:
    class_folders(lab / "noise", ["A"], each=30, draw=static)
    (lab / "noise/A2").symlink_to("A")
    shutil.copytree(lab / "noise/A", lab / "noise/copy")
    shutil.copytree(lab / "noise/A", lab / "noise/most")
    (lab / "noise/most/cat/0.png").unlink()
    return lab


def test_1_one_place_written_in_two_ways_leaks_no_labels(noise):
    honest = accuracy(noise, train(noise, "folder:noise/A-noise/A", steps=100))
    assert honest < 60
    for place in ("./noise/A", "noise/A2", "noise/../noise/A", f"{noise}/noise/A", "noise/copy"):
        other = train(noise, f"folder:noise/A-{place}", steps=100)
        assert other.kind == REFUSED or accuracy(noise, other) == honest, place


def test_1_a_copy_without_one_image_is_told_and_marked(noise):
    done = train(noise, "folder:noise/A-noise/most", steps=100)
    repeated = record(noise, done)["made_from"]["repeated"]
    assert repeated in (71, 89)  # without and with the images that the source holds out
    assert re.search(rf"\b{repeated}\b.*\b89\b", done.said)
    assert accuracy(noise, done) > 60  # so many steps are enough to see a leak
    (noise / "lab.py").write_text(GOOD.replace("folder:A-B", "folder:noise/A-noise/most"))
    swept = da(noise, "sweep", "lab.py", "--wandb", "off")
    assert swept.kind == RESULT, swept.said
    assert "§" in da(noise, "table", "lab.py").printed


@pytest.mark.parametrize("wrong", ["images", "train", "test", "Train", "Test"])
def test_2_to_4_folders_of_images_or_splits_are_no_classes(lab, wrong):
    if wrong == "images":
        class_folders(lab, ["A/images", "B/images"])
    else:
        other = {"train": "test", "test": "train", "Train": "Test", "Test": "Train"}[wrong]
        class_folders(lab, [f"{d}/{split}" for d in "AB" for split in (wrong, other)])
    done = train(lab, "folder:A-B")
    assert done.kind == REFUSED or classes(lab, done) == set(CLASSES)


@pytest.mark.parametrize("splits", [("Train", "Test"), ("training", "testing"), ("TRAIN", "val")])
def test_4_names_of_splits_in_other_words(lab, splits):
    class_folders(lab / "capitals", splits)
    done = train(lab, "imagefolder:capitals")
    assert done.kind == REFUSED or classes(lab, done) == set(CLASSES)


def test_5_pictures_of_16_bits_are_those_of_8(lab):
    for name, draw in (("grey8", grey8), ("grey16", grey16)):
        class_folders(lab / name, draw=draw)
    eight, sixteen = (train(lab, f"folder:{n}/A-{n}/B", steps=200) for n in ("grey8", "grey16"))
    assert accuracy(lab, eight) > 50
    assert accuracy(lab, eight) == pytest.approx(accuracy(lab, sixteen), abs=6)


def test_6_transparent_is_white(lab):
    for name, draw in (("alpha", black), ("white", on_white)):
        class_folders(lab / name, draw=draw)
    alpha, white = (train(lab, f"folder:{n}/A-{n}/B", steps=200) for n in ("alpha", "white"))
    assert accuracy(lab, white) > 50
    assert accuracy(lab, alpha) == pytest.approx(accuracy(lab, white), abs=6)


def test_7_a_run_on_other_classes_is_no_beginning(lab):
    class_folders(lab / "base")
    class_folders(lab / "other", classes=("zebra", "dog", "ant"))
    begun = record(lab, train(lab, "folder:base/A-base/B", "--save-weights"))["id"]
    for method in ("tent", "shot"):
        done = train(lab, "folder:other/A-other/B", "--init", begun, method=method)
        assert done.kind == REFUSED, method
        assert {"zebra", "cat"} <= set(re.findall(r"\w+", done.said))


def test_8_a_last_batch_of_one_image(lab):
    class_folders(lab, each=11)
    begun = record(lab, train(lab, "folder:A-B", "--save-weights"))["id"]
    for method, *begins in (("tent", "--init", begun), ("shot", "--init", begun), ("adabn",)):
        done = train(lab, "folder:A-B", *begins, method=method)
        assert done.kind == RESULT, f"{method}: {done.said}"


def test_9_changed_images_are_noticed(lab):
    class_folders(lab)
    (lab / "lab.py").write_text(GOOD)
    sweep = "sweep", "lab.py", "--wandb", "off"
    assert da(lab, *sweep).kind == RESULT
    (file,) = (lab / "results").glob("*.json")
    before = json.loads(file.read_text())
    for i in range(6):
        (lab / f"B/owl/{i}.png").unlink()
    da(lab, *sweep)
    table = da(lab, "table", "lab.py")
    after = json.loads(file.read_text())
    noted = "other data" in table.said + table.printed
    assert noted or after.get("made_from") != before.get("made_from")


def test_10_a_folder_that_holds_itself_is_read_once(lab):
    class_folders(lab)
    (lab / "A/cat/again").symlink_to(".")
    assert train(lab, "folder:A-B").kind == RESULT
    assert decoded(lab) == {36}


def test_11_hidden_folders_are_left_out(lab):
    class_folders(lab)
    hidden = lab / "A/cat/.ipynb_checkpoints"
    hidden.mkdir()
    shutil.copy(lab / "A/cat/0.png", hidden / "0-checkpoint.png")
    run = record(lab, train(lab, "folder:A-B", "--save-weights"))["id"]
    assert decoded(lab) == {36}
    assert "checkpoint" not in da(lab, "predict", run, "A").printed


def test_12_all_endings_that_can_be_opened_count_and_others_are_told(lab):
    class_folders(lab)
    for i in range(6):
        (lab / f"A/cat/{i}.png").rename(lab / f"A/cat/{i}.jfif")
    (lab / "A/cat/notes.txt").write_text("text")
    done = train(lab, "folder:A-B")
    assert done.kind == RESULT
    assert decoded(lab) == {36}
    assert re.search(r"1 \.txt", done.said)


def broken_chunk(data: bytes) -> bytes:
    """Return a PNG of which the second half of the pixels is in a chunk with an unknown name."""
    at = data.index(b"IDAT") - 4
    size = int.from_bytes(data[at : at + 4])
    pixels, half = data[at + 8 : at + 8 + size], size // 2
    parts = (b"IDAT", pixels[:half]), (b"I\x00AT", pixels[half:])
    chunks = [len(x).to_bytes(4) + n + x + crc32(n + x).to_bytes(4) for n, x in parts]
    return data[:at] + b"".join(chunks) + data[at + 12 + size :]


def test_13_a_broken_image_loses_no_other(lab):
    class_folders(lab)
    run = record(lab, train(lab, "folder:A-B", "--save-weights"))["id"]
    bad = lab / "A/cat/0.png"
    bad.write_bytes(broken_chunk(bad.read_bytes()))
    refused = train(lab, "folder:A-B")
    assert refused.kind == REFUSED
    assert "A/cat/0.png" in refused.said
    answers = da(lab, "predict", run, "A/cat", "A/dog")
    assert answers.kind == FAILED, answers.said
    assert "A/cat/0.png" in answers.said
    assert len(answers.printed.splitlines()) == 23


def test_14_a_bad_header_is_told_with_its_file(lab):
    class_folders(lab)
    (lab / "A/cat/extra.ppm").write_bytes(b"P6\n64 x4\n255\n" + bytes(12288))
    refused = train(lab, "folder:A-B")
    assert refused.kind == REFUSED
    assert "A/cat/extra.ppm" in refused.said


def test_15_all_bad_files_are_told_before_any_is_decoded(lab):
    class_folders(lab)
    for i in (0, 5):
        (lab / f"B/dog/{i}.png").write_bytes(b"no image")
    refused = train(lab, "folder:A-B")
    assert refused.kind == REFUSED
    assert {"0.png", "5.png"} <= set(re.findall(r"\d\.png", refused.said))
    assert train(lab, "folder:A-B", "--skip-bad").kind == RESULT


def test_16_a_target_needs_one_image_of_each_class(lab):
    class_folders(lab)
    for file in lab.glob("B/*/*.png"):
        if file.stem != "0":
            file.unlink()
    assert train(lab, "folder:A-B").kind == RESULT


def test_19_a_table_for_a_terminal_of_ascii(lab):
    class_folders(lab)
    (lab / "lab.py").write_text(GOOD)
    assert da(lab, "sweep", "lab.py", "--wandb", "off").kind == RESULT
    done = da(lab, "table", "lab.py", encoding="ascii")
    assert done.kind == RESULT, done.said
