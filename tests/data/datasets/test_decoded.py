"""Images of folders are the same however they are kept, and are decoded only where they changed."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import da
from da.data import stores, tasks
from da.data.datasets import _decoding, folder
from da.data.encoded import EncodedImages
from da.data.transforms import Resize
from da.data.views import augment_images
from da.system.cache import cache_home

FORMATS = "a.jpg", "b.png", "c.gif", "d.webp", "e.tif", "f.bmp"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Photos of two classes in many formats, some of them transparent, turned or gray."""
    rng = np.random.default_rng(0)
    for c in ("cat", "dog"):
        (tmp_path / "photos" / c).mkdir(parents=True)
        for i, name in enumerate(FORMATS):
            draw(tmp_path / "photos" / c / name, rng, (40 + 7 * i, 90 - 6 * i))
    turned = Image.Exif()
    turned[274] = 6
    image = Image.fromarray(rng.integers(256, size=(20, 30, 3), dtype=np.uint8))
    image.save(tmp_path / "photos" / "dog" / "g.jpg", exif=turned)
    return tmp_path / "photos"


def draw(file: Path, rng: np.random.Generator, size: tuple[int, int]) -> None:
    clear = file.suffix in (".png", ".webp")
    pixels = rng.integers(256, size=(*size, 4 if clear else 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file)


def opened(root: Path, monkeypatch, store: str = "", **options):
    monkeypatch.setenv("DA_STORE", store)
    return folder.open_domain(str(root), **options)


@pytest.fixture
def decoded(monkeypatch) -> list[str]:
    """Names of the files that were decoded to be stored."""
    names, real = [], _decoding.try_decode

    def spy(file, *args):
        names.append(file.name)
        return real(file, *args)

    monkeypatch.setattr(_decoding, "try_decode", spy)
    return names


def stored_files() -> set[str]:
    return {file.name for file in (cache_home() / "folder").glob("[!.]*/*")}


@pytest.mark.parametrize("large", [False, True])
@pytest.mark.parametrize("options", [{}, {"fit": "crop"}, {"fit": "pad", "side": 300}])
def test_all_stores_hold_the_same(photos, monkeypatch, options, large):
    if large:
        monkeypatch.setattr(stores, "SMALL", 10)
    pixels = opened(photos, monkeypatch, "pixels", **options)
    rows = torch.tensor([7, 0, 12])
    for store in ("files", "encoded"):
        other = opened(photos, monkeypatch, store, **options)
        assert isinstance(other.x, EncodedImages)
        assert (other.data_digest, other.classes) == (pixels.data_digest, pixels.classes)
        assert other.x.shape == pixels.x.shape
        assert other.x.index_select(0, rows).equal(pixels.x[rows])
        views = [
            augment_images(x, Resize(48), "crop_flip", torch.Generator().manual_seed(3), rows)
            for x in (other.x, pixels.x)
        ]
        assert views[0].equal(views[1])


def test_one_copy_is_kept_at_most(photos, monkeypatch):
    opened(photos, monkeypatch, "files")
    assert not stored_files() & {"x.npy", "0.bin"}
    opened(photos, monkeypatch, "encoded")
    opened(photos, monkeypatch, "encoded", side=300)
    assert "x.npy" not in stored_files()
    assert len([*cache_home().rglob("0.bin")]) == 1
    opened(photos, monkeypatch, "pixels")
    assert "0.bin" not in stored_files()
    opened(photos, monkeypatch, "encoded")
    assert "x.npy" not in stored_files()


def test_large_sets_are_kept_as_files_and_not_at_all_for_features(photos, monkeypatch, capsys):
    monkeypatch.setattr(stores, "SMALL", 10)
    with stores.read_once():
        assert isinstance(opened(photos, monkeypatch).x, EncodedImages)
    assert "nothing is kept" in capsys.readouterr().err
    assert not stored_files() & {"x.npy", "0.bin"}
    opened(photos, monkeypatch)
    assert "0.bin" in stored_files()
    digest = tasks.current_digests(f"folder:{photos}-{photos}")
    assert digest
    assert digest["source"] == opened(photos, monkeypatch).data_digest
    with stores.read_once():  # what is stored is used
        assert opened(photos, monkeypatch).x.source.folder


@pytest.mark.parametrize(
    ("store", "large"), [("pixels", False), ("encoded", True), ("files", True)]
)
def test_a_file_more_is_decoded_alone(photos, monkeypatch, decoded, store, large):
    if large:
        monkeypatch.setattr(stores, "SMALL", 10)
    opened(photos, monkeypatch, store)
    assert len(decoded) == 13
    decoded.clear()
    (photos / "cat" / "a.jpg").rename(photos / "cat" / "z.jpg")  # has another name: decoded
    draw(photos / "cat" / "h.png", np.random.default_rng(1), (9, 9))
    grown = opened(photos, monkeypatch, store)
    assert sorted(decoded) == ["h.png", "z.jpg"]
    other = "pixels" if large else "files"
    again = opened(photos, monkeypatch, other)
    assert again.data_digest == grown.data_digest
    every = torch.arange(14)
    assert again.x.index_select(0, every).equal(grown.x.index_select(0, every))


def test_bytes_that_did_not_change_are_shared_on_the_disk(photos, monkeypatch):
    opened(photos, monkeypatch, "encoded")
    (first,) = cache_home().rglob("0.bin")
    before = first.read_bytes()
    draw(photos / "cat" / "h.png", np.random.default_rng(1), (9, 9))
    opened(photos, monkeypatch, "encoded")
    parts = [*cache_home().rglob("0.bin")]
    assert len(parts) == 2
    assert parts[0].samefile(parts[1])
    assert first.read_bytes() == before

    monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError("no links")))
    draw(photos / "cat" / "i.png", np.random.default_rng(2), (9, 9))
    domain = opened(photos, monkeypatch, "encoded")
    assert first.read_bytes() == before
    assert len(domain.x.index_select(0, torch.arange(15))) == 15


def test_a_file_that_vanishes_during_a_run_is_named(photos, monkeypatch):
    domain = opened(photos, monkeypatch, "files")
    (photos / "cat" / "b.png").unlink()
    with pytest.raises(ValueError, match=r"cannot decode .*b\.png again: No such file"):
        domain.x.index_select(0, torch.arange(13))


@pytest.mark.slow
def test_records_are_the_same_however_images_are_kept(photos, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    for c in ("cat", "dog"):
        (tmp_path / "web" / c).mkdir(parents=True)
        for i in range(4):
            draw(tmp_path / "web" / c / f"{i}.jpg", np.random.default_rng(i), (50, 40))
    run = da.Run(
        da.methods.CORAL(),
        f"folder:{photos}-{tmp_path / 'web'}",
        backbone="lenet",
        init="random",
        regime="full",
        side=28,
        steps=3,
        eval_every=1,
        batch=4,
        augment="jitter",
    )
    found = {}
    for store in ("pixels", "encoded", "files"):
        monkeypatch.setenv("DA_STORE", store)
        found[store] = da.train(run, device="cpu", results=tmp_path / store)
    first = found.pop("pixels")
    for record in found.values():
        assert (record.id, record.curve, record.made_from) == (
            first.id,
            first.curve,
            first.made_from,
        )


@pytest.mark.parametrize(("store", "file"), [("pixels", "x.npy"), ("encoded", "0.bin")])
def test_damage_is_not_taken_over(photos, monkeypatch, store, file):
    x = opened(photos, monkeypatch, store).x.index_select(0, torch.arange(13))
    (stored,) = cache_home().rglob(file)
    data = bytearray(stored.read_bytes())
    data[-len(data) // 3 :] = bytes(len(data) // 3 + 1)
    stored.write_bytes(data)
    assert opened(photos, monkeypatch, store).x.index_select(0, torch.arange(13)).equal(x)
