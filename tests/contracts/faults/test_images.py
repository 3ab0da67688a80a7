"""A damaged image is a picture or one line that names the file, and all are told at once."""

import random
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from da.data.decode import decode_image
from tests.contracts.faults.children import call_in_child, da
from tests.contracts.faults.outcomes import (
    FAULT,
    REFUSED,
    RESULT,
    Outcome,
    Tally,
    describe,
    streams,
    time_limit,
)
from tests.fixtures.pictures import class_folders, stripe

FORMATS = "png", "jpg", "gif", "bmp", "ppm", "tiff", "webp", "jpeg"
SIDE = 32
TRAIN = (
    "train --task folder:A-B --backbone lenet --init random --regime full --side 28 --steps 1"
    " --batch 6 --wandb off"
)


def damage(data: bytes, way: str, draw: random.Random) -> bytes:
    """Return a file with something missing or changed."""
    if way == "cut":
        return data[: draw.randrange(len(data))]
    if way == "longer":
        return data + draw.randbytes(20)
    changed = bytearray(data)
    end = 60 if way == "header" else len(data)
    for _ in range(draw.randint(1, 8)):
        changed[draw.randrange(min(end, len(data)))] = draw.randrange(256)
    return bytes(changed)


def write_damaged(folder: Path, count: int) -> list[Path]:
    """Write damaged files of all formats, the same ones every time."""
    draw, files = random.Random(0), []
    whole = {}
    for ending in FORMATS:
        stripe(0, 0, 0).save(folder / f"whole.{ending}")
        whole[ending] = (folder / f"whole.{ending}").read_bytes()
    for number in range(count):
        ending = FORMATS[number % len(FORMATS)]
        way = ("cut", "bytes", "header", "longer", "ending")[number // len(FORMATS) % 5]
        data = whole[draw.choice(FORMATS) if way == "ending" else ending]
        file = folder / f"{number}-{way}.{ending}"
        file.write_bytes(data if way == "ending" else damage(data, way, draw))
        files.append(file)
    return files


def decode(file: Path) -> Outcome:
    """Decode a file."""
    with streams() as read, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        try:
            with time_limit(20):
                x = decode_image(file, SIDE)
            right = x.shape == (SIDE, SIDE, 3) and x.dtype == np.uint8
            done = Outcome(file.name, RESULT if right else FAULT, f"{x.shape}")
        except ValueError as error:
            done = Outcome(file.name, REFUSED, str(error))
            done = done.unless(file.name not in str(error), "names no file")
        except BaseException as error:
            done = Outcome(file.name, FAULT, describe(error))
        raw = read()[1] + "".join(str(each.message) for each in caught)
    return done.unless("arning" in raw, f"raw warning {raw[:100]}")


def decode_all(files: list[Path]) -> list[Outcome]:
    return [decode(file) for file in files]


def test_400_damaged_images(lab, tally: Tally):
    tally.check(call_in_child(lab, decode_all, write_damaged(lab, 400)))


def test_bombs_and_broken_chunks(lab, tally: Tally):
    Image.new("1", (40_000, 30_000)).save(lab / "bomb.png")
    data = bytearray((lab / "bomb.png").read_bytes())
    data[16:24] = (2**31 - 1).to_bytes(4) * 2
    (lab / "huge.png").write_bytes(data)
    (lab / "header.ppm").write_bytes(b"P6\n64 x4\n255\n" + bytes(12288))
    (lab / "folder.png").mkdir()
    tally.check(call_in_child(lab, decode_all, sorted(lab.iterdir())))


@pytest.mark.parametrize("method", ["source_only", "dann"])
def test_a_folder_with_bad_images_names_all_of_them_or_goes_on(lab, tally: Tally, method):
    class_folders(lab)
    names = [f"{domain}/cat/{i}.png" for domain in "AB" for i in (0, 5)]
    for name in names:
        (lab / name).write_bytes(b"no image")
    refused = da(lab, *TRAIN.split(), method)
    unnamed = [name for name in names if name not in refused.said]
    outcomes = [refused.unless(refused.kind != REFUSED or bool(unnamed), f"{unnamed} not named")]
    done = da(lab, *TRAIN.split(), "--skip-bad", method)
    tally.check([*outcomes, done.unless(done.kind != RESULT, "does not skip")])
