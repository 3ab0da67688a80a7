"""Damaged caches and journals are made again, or one line names them; numbers stay the same."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.contracts.faults.children import da
from tests.contracts.faults.outcomes import FAILED, REFUSED, RESULT, Outcome, Tally
from tests.contracts.faults.test_command_lines import GOOD
from tests.fixtures.pictures import class_folders

PIXELS = (
    "train --task folder:A-B --backbone lenet --init random --regime full --side 28 --steps 20"
    " --batch 6 --wandb off source_only"
)
FEATURES = "train --task folder:A-B --side 32 --steps 20 --batch 6 --neck 0 --wandb off source_only"
"""With the weights that a package on every machine holds."""

Damage = Callable[[Path], None]

TUNE = "tune lab.py --trials TRIALS --sampler random --search lr"


def cut(file: Path) -> None:
    """Leave half of a file."""
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def flip(file: Path) -> None:
    """Change one byte in the middle of a file."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 0x55
    file.write_bytes(data)


def zero_rows(file: Path) -> None:
    """Set half of the rows of an array to 0."""
    x = np.load(file)
    x[: len(x) // 2] = 0
    np.save(file, x)


def drop_rows(file: Path) -> None:
    """Keep half of the rows of an array, in a file that is whole."""
    np.save(file, np.load(file)[::2].copy())


def empty(file: Path) -> None:
    """Leave nothing of a file but its name."""
    file.write_bytes(b"")


@pytest.fixture
def pictures(lab: Path) -> Path:
    class_folders(lab, each=6)
    (lab / "lab.py").write_text(GOOD)
    return lab


def curve(lab: Path) -> Any:
    """Return what the only record says of each evaluation."""
    (record,) = (lab / "results").glob("*.json")
    return json.loads(record.read_text())["curve"]


def after_damages(lab: Path, words: str, damages: dict[str, Sequence[Damage]]) -> list[Outcome]:
    """Damage files in the cache one at a time, give a command again, and compare its numbers."""
    home, whole = lab.parent / "home", lab.parent / "whole"
    first = da(lab, *words.split())
    assert first.kind == RESULT, first.said
    want, found = curve(lab), []
    home.rename(whole)
    for name, damage in ((name, damage) for name, each in damages.items() for damage in each):
        shutil.copytree(whole, home)
        file = sorted(f for f in home.rglob(name) if f.name != "x.npy" or name == "x.npy")[0]
        damage(file)
        done = da(lab, *words.split())
        unnamed = done.kind in (REFUSED, FAILED) and str(file.parent) not in done.said
        other = done.kind == RESULT and curve(lab) != want
        said = Outcome(f"{damage.__name__} of {file.name}", done.kind, done.said)
        found.append(said.unless(other, "other numbers").unless(unnamed, "names no file"))
        shutil.rmtree(home)
    return found


def test_damaged_pixels(pictures, tally: Tally):
    damages = {"x.npy": (cut, zero_rows, flip, drop_rows, empty)}
    damages |= {"rows.npz": (cut,), "about.json": (flip,)}
    tally.check(after_damages(pictures, PIXELS, damages))


def test_damaged_bytes_of_images(pictures, tally: Tally, monkeypatch):
    monkeypatch.setenv("DA_STORE", "encoded")
    damages = {"0.bin": (cut, flip, empty), "places.npy": (cut, drop_rows), "rows.npz": (cut,)}
    tally.check(after_damages(pictures, PIXELS, damages))


def test_damaged_features(pictures, tally: Tally):
    tally.check(after_damages(pictures, FEATURES, {"*.npy": (cut, zero_rows, drop_rows, empty)}))


def test_torn_journal(pictures, tally: Tally):
    first = da(pictures, *TUNE.replace("TRIALS", "2").split())
    (journal,) = (pictures / "results").glob("*.journal")
    journal.write_bytes(journal.read_bytes()[:-15])
    again = [da(pictures, *TUNE.replace("TRIALS", count).split()) for count in ("3", "4")]
    lost = [
        done.unless(f"{n} trials" not in done.printed, "lost") for n, done in enumerate(again, 3)
    ]
    tally.check([first, *lost])
