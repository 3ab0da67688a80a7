import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from da.data import image_hashes, overlap, tasks
from da.data.domain import Domain, Task
from tests.conftest import points
from tests.fixtures.datasets import image_folder


@pytest.fixture(autouse=True, scope="module")
def _imported():
    """Import the library of perceptual hashes, which takes a while."""
    image_hashes._look(np.arange(243, dtype=np.uint8).reshape(9, 9, 3))


@pytest.fixture(autouse=True)
def _tell_again():
    overlap._tell.cache_clear()


@pytest.fixture
def root(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return image_folder(tmp_path / "a", each=5)


def opened(name: str) -> tuple[Task, Domain, Domain]:
    source, target = tasks.open_domains(name)
    return tasks.build_task(name, source, target), source, target


def reported(name: str) -> dict[str, int]:
    return overlap.report_overlap(*opened(name))


def other_names(folder: Path, to: Path) -> Path:
    """A copy of an image folder under other names, which are held out in another way."""
    for file in folder.rglob("*.png"):
        (to / file.parent.name).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, to / file.parent.name / f"my {file.name}")
    return to


@pytest.mark.parametrize("way", ["./a", "link", "{}", "~/a", "copy", "a/../a"])
def test_one_place_written_in_two_ways_is_one_domain(way, root, capsys, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    os.symlink("a", "link")
    shutil.copytree(root, "copy")
    name = f"folder:a-{way.format(root)}"
    task, *domains = opened(name)
    assert overlap.report_overlap(task, *domains) == {}
    assert len(task.target_test) == 2
    known = set(task.source_train.rows.tolist())
    assert not known & set(task.target_test.rows.tolist())
    assert (
        f"{name}: source and target are one domain: tested on 2 held-out" in capsys.readouterr()[1]
    )


def test_the_same_name_twice_is_not_worth_a_line(root, capsys):
    assert reported("folder:a-a") == {}
    assert "one domain" not in capsys.readouterr().err


def test_two_rotations_that_are_one_are_one_domain():
    task, *_ = opened("moons:0-00")
    assert not set(task.target_test.rows.tolist()) & set(task.source_train.rows.tolist())


def test_a_copy_under_other_names_is_told_once(root, capsys):
    other_names(root, Path("b"))
    task, source, target = opened("folder:a-b")
    count = overlap.report_overlap(task, source, target)["repeated"]
    same = target.x[task.target_test.rows][:, None] == source.x[task.source_train.rows]
    assert count == same.flatten(2).all(2).any(1).sum() == 8
    assert reported("folder:a-b") == {"repeated": 8}
    line = "folder:a-b: 8 of 10 target test images are source training images too"
    assert capsys.readouterr().err.count(line) == 1


def test_lists_of_the_same_images_are_one_domain_or_told(root):
    every = sorted(root.glob("*/*.png"))
    for name, files, start in (("a", every, "a"), ("b", every[::-1], "a"), ("c", every, "copy")):
        lines = [f"{start}/{file.relative_to(root)} {file.parent.name}\n" for file in files]
        Path(f"{name}.txt").write_text("".join(lines))
    shutil.copytree(root, "copy")
    for other in ("a.txt", "./a.txt", "c.txt"):
        task, *domains = opened(f"list:a.txt-{other}")
        assert overlap.report_overlap(task, *domains) == {}
        assert len(task.target_test) == 2
    assert reported("list:a.txt-b.txt") == {"repeated": 8}  # held out in another way


def test_rows_of_the_same_numbers_are_one_domain_or_told(root):
    x, y = np.random.default_rng(0).normal(size=(10, 3)).astype(np.float32), np.arange(10) % 2
    np.savez("a.npz", x=x, y=y)
    np.savez("b.npz", x=x, y=y)
    np.savez("c.npz", x=x[::-1], y=y[::-1])
    lines = [
        f"{site},{label},{','.join(map(str, row))}"
        for site in "pq"
        for row, label in zip(x, y, strict=True)
    ]
    Path("t.csv").write_text("\n".join(["site,label,u,v,w", *lines]))
    for name in (
        "arrays:a.npz-./a.npz",
        "arrays:a.npz-b.npz",
        "table:t.csv?label=label&domain=site:p-q",
    ):
        task, *domains = opened(name)
        assert overlap.report_overlap(task, *domains) == {}
        assert len(task.target_test) == 2
    assert reported("arrays:a.npz-c.npz") == {"repeated": 8}


def test_a_target_inside_the_source_is_told(root):
    for label in ("cat", "dog"):
        shutil.copytree(root / label, root / "cat" / "within" / label)
    assert reported("folder:a-a/cat/within")["repeated"] >= 8


def test_a_test_set_that_is_the_training_set_is_told(root, capsys):
    for part in ("train", "test"):
        shutil.copytree(root, Path("sets") / part)
    assert reported("imagefolder:sets") == {"repeated": 8}
    assert "8 of 10 test images are labeled training images too" in capsys.readouterr().err
    assert reported("imagefolder:sets+1label") == {"repeated": 2}


def test_shots_are_among_what_is_compared():
    x = torch.arange(20.0)[:, None]
    y = torch.arange(20) % 2
    source, target = points(x + 100, y), points(x % 10, y)
    task = tasks.build_task("moons:0-1", source, replace(target, digest="other"))
    assert overlap.count_repeated(task, source, target) == 0
    task = tasks.build_task("moons:0-1+2shot", source, replace(target, digest="other"))
    assert overlap.count_repeated(task, source, target) == 4


def saved_again(folder: Path, to: Path, size: int) -> None:
    for file in folder.rglob("*.png"):
        (to / file.parent.name).mkdir(parents=True, exist_ok=True)
        with Image.open(file) as image:
            small = image.resize((size, size), Image.Resampling.BICUBIC)
        small.save(to / file.parent.name / f"{file.stem}.jpg", quality=85)


def blocks(root: Path, each: int = 5) -> Path:
    """Pictures of 6 x 6 blocks, all different, of 60 x 60 pixels."""
    rng = np.random.default_rng(0)
    for label in ("cat", "dog"):
        (root / label).mkdir(parents=True)
        for i in range(each):
            x = Image.fromarray(rng.integers(0, 256, (6, 6, 3), dtype=np.uint8))
            x.resize((60, 60), Image.Resampling.BICUBIC).save(root / label / f"{i}.png")
    return root


def test_images_that_were_saved_again_are_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    saved_again(blocks(Path("a")), Path("b"), 45)
    assert reported("folder:a-b") == {}
    said = "folder:a-b: 8 of 10 target test images look like copies of source training images"
    assert said in capsys.readouterr().err


def test_flat_images_and_different_images_look_like_no_copy(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for domain, seed in (("a", 0), ("b", 100)):
        image_folder(Path(domain), each=2)
        for label in ("cat", "dog"):
            for i in range(2):
                Image.new("RGB", (9, 9), (seed + i, 0, 0)).save(f"{domain}/{label}/flat{i}.png")
                noise = np.random.default_rng(seed + i).integers(0, 256, (8, 8, 3), np.uint8)
                Image.fromarray(noise).save(f"{domain}/{label}/{label}-{i:02}.png")
    assert reported("folder:a-b") == {}
    assert "look like" not in capsys.readouterr().err


def test_near_hashes_are_found_in_all_three_ways(monkeypatch):
    hashes = np.random.default_rng(0).integers(0, 2**64, (40, 4), dtype=np.uint64)
    tests = hashes.copy()
    tests[0, 3] ^= np.uint64(0b111)
    tests[1] ^= np.uint64(0b1111)
    tests[2] = 0
    near = overlap._have_near(tests, hashes[:20], 12)
    assert near.tolist() == [True, False, False, *[True] * 17, *[False] * 20]
    monkeypatch.setattr(overlap, "BLOCK", 100)
    assert overlap._have_near(tests, hashes[:20], 12).tolist() == near.tolist()
    monkeypatch.setattr(overlap, "PAIRS", 100)
    equal = overlap._have_near(tests, hashes[:20], 12)
    assert equal.tolist() == [False, False, False, *[True] * 17, *[False] * 20]
    assert not overlap._have_near(tests, np.repeat(hashes[:1], 20, 0), 12).any()
    assert not overlap._have_near(tests, hashes[:0], 12).any()
