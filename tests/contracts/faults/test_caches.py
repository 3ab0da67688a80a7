"""Damaged caches and journals are made again, or one line names them; numbers stay the same."""

import json
from collections.abc import Callable
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
    class_folders(lab)
    (lab / "lab.py").write_text(GOOD)
    return lab


def curve(lab: Path) -> Any:
    """Return what the only record says of each evaluation."""
    (record,) = (lab / "results").glob("*.json")
    return json.loads(record.read_text())["curve"]


def after_damage(lab: Path, words: str, name: str, damage: Callable[[Path], None]) -> Outcome:
    """Damage a file in the cache, give the command again, and compare its numbers."""
    want = curve(lab)
    file = sorted((lab.parent / "home").rglob(name))[0]
    damage(file)
    done = da(lab, *words.split())
    unnamed = done.kind in (REFUSED, FAILED) and str(file.parent) not in done.said
    other = done.kind == RESULT and curve(lab) != want
    said = Outcome(f"{damage.__name__} of {file.name}", done.kind, done.said)
    if done.kind != RESULT:  # as the line says that it has to be done
        file.unlink(missing_ok=True)
    return said.unless(other, "other numbers").unless(unnamed, "names no file")


def test_damaged_pixels(pictures, tally: Tally):
    assert da(pictures, *PIXELS.split()).kind == RESULT
    damages = (("x.npy", cut), ("x.npy", zero_rows), ("x.npy", flip), ("x.npy", drop_rows))
    damages += (("x.npy", empty), ("rows.npz", cut), ("about.json", flip))
    tally.check([after_damage(pictures, PIXELS, *each) for each in damages])


def test_damaged_features(pictures, tally: Tally):
    assert da(pictures, *FEATURES.split()).kind == RESULT
    home = pictures.parent / "home"
    (name, *_) = (f.name for f in sorted(home.rglob("*.npy")) if f.name != "x.npy")
    damages = (cut, zero_rows, drop_rows, empty)
    tally.check([after_damage(pictures, FEATURES, name, damage) for damage in damages])


def test_torn_journal(pictures, tally: Tally):
    outcomes = [da(pictures, *TUNE.replace("TRIALS", "2").split())]
    (journal,) = (pictures / "results").glob("*.journal")
    journal.write_bytes(journal.read_bytes()[:-15])
    outcomes += [da(pictures, *TUNE.replace("TRIALS", count).split()) for count in ("3", "4")]
    tally.check(outcomes)
    assert "4 trials" in outcomes[-1].printed
