"""Domains in the cache: what is damaged is made again."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from da.data.domain import PARTS, Domain, keep_domain, load_domain, save_domain
from da.system.checksums import sums_file

X = np.random.default_rng(0).integers(256, size=(6, 4, 4, 3), dtype=np.uint8)
Y = np.arange(6) % 2


def write(folder: Path) -> None:
    save_domain(folder, X, Y, ("cat", "dog"), dict.fromkeys(PARTS, np.arange(6)))


@pytest.fixture
def folder(tmp_path) -> Path:
    keep_domain(tmp_path / "domain", write)
    return tmp_path / "domain"


def is_right(domain: Domain) -> bool:
    known = domain.classes == ("cat", "dog") and set(domain.rows) == set(PARTS)
    return known and (domain.x.numpy() == X).all() and (domain.y.numpy() == Y).all()


def flip(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.write_bytes(data)


def empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


DAMAGES = {
    "flipped pixel": lambda folder: flip(folder / "x.npy"),
    "half the pixels": lambda folder: (folder / "x.npy").write_bytes(bytes(200)),
    "no pixels": lambda folder: (folder / "x.npy").unlink(),
    "fewer pixels": lambda folder: np.save(folder / "x.npy", X[:3]),
    "garbled rows": lambda folder: (folder / "rows.npz").write_bytes(b"PK\3\4 garbage" * 9),
    "cut rows": lambda folder: (folder / "rows.npz").write_bytes(b""),
    "fewer rows": lambda folder: np.savez(folder / "rows.npz", y=Y),
    "cut text": lambda folder: (folder / "about.json").write_text('{"classes": ["cat"'),
    "other text": lambda folder: (folder / "about.json").write_text("[]"),
    "empty folder": empty,
}


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_domain_is_made_again_and_named(folder, capsys, damage, earlier):
    if earlier:
        sums_file(folder).unlink()
    DAMAGES[damage](folder)
    assert is_right(keep_domain(folder, write))
    assert f"{folder} is damaged: making it again" in capsys.readouterr().err


@pytest.mark.parametrize(
    "damage", sorted(DAMAGES.keys() - {"flipped pixel", "fewer pixels", "fewer rows"})
)
def test_what_cannot_be_loaded_is_named(folder, damage):
    DAMAGES[damage](folder)
    with pytest.raises(ValueError, match=f"{folder} is damaged"):
        load_domain(folder)


def test_a_domain_of_an_earlier_version_stays_and_gets_checksums(folder):
    sums_file(folder).unlink()
    assert is_right(keep_domain(folder, pytest.fail))
    assert sums_file(folder).exists()


def test_pixels_in_use_stay_as_they_are(folder):
    before = load_domain(folder)
    (folder / "rows.npz").unlink()
    keep_domain(folder, write)
    assert is_right(before)
