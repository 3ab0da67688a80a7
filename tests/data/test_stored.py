import os
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from da.cli.main import main
from da.data.domain import PARTS, keep_domain, save_domain
from da.data.stored import check_stored, describe_stored, free
from da.system.cache import cache_home, lock, make_once
from tests.fixtures.files import age

KEY = "0123456789abcdef01234567"


def write(folder: Path) -> None:
    save_domain(
        folder,
        np.ones((6, 4, 4, 3), np.uint8),
        np.arange(6) % 2,
        ("a", "b"),
        dict.fromkeys(PARTS, np.arange(6)),
    )


@pytest.fixture
def home(tmp_path) -> Path:
    """A cache with one of each kind, and things that are none of ours."""
    home = cache_home()
    keep_domain(home / "folder" / KEY, write)
    keep_domain(home / "emoji" / "version" / "noto", write)
    array = make_once(
        home / "features" / f"{KEY}.npy", lambda part: part.write_bytes(bytes(9)), len
    )
    for name in ("fetched/a.tgz", "mnist/x.gz", "weights/0123.pt", "own/x.npy", "features/own.txt"):
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(bytes(3_000_000))
    assert array.exists()
    return home


def left(home: Path) -> set[str]:
    """All that is there but the files in domains."""
    every = (path.relative_to(home) for path in home.rglob("*") if path.name[0] != ".")
    return {str(p) for p in every if p.suffix not in {".npz", ".json"} and p.name != "x.npy"}


def lines_of(group: str) -> list[str]:
    return [line for line in describe_stored() if line.startswith(group)]


def test_a_line_says_how_much_and_when_it_was_used_last(home):
    age(home / "folder" / KEY)
    assert lines_of("folder") == ["folder               0 MB  1 stored, last used on 1970-01-01"]
    (line,) = lines_of("fetched")
    assert "3 MB" in line
    assert not lines_of("own")
    assert "--clean NAME" in list(describe_stored())[-1]


def test_a_name_frees_its_folder(home):
    before = left(home)
    assert list(free(["emoji", "weights"])) == [
        "emoji: removed 1 of 1, together 0 MB",
        "weights: removed 1 of 1, together 3 MB",
    ]
    assert before - left(home) == {"emoji/version/noto", "weights/0123.pt"}
    assert not list(home.rglob(".noto.*"))


def test_all_leaves_what_cannot_be_computed(home):
    before = left(home)
    list(free(["all"]))
    assert before - left(home) == {f"folder/{KEY}", "emoji/version/noto", f"features/{KEY}.npy"}
    assert (home / "own" / "x.npy").exists()


def test_unused_leaves_what_was_used(home):
    before = left(home)
    assert list(free(["unused"])) == ["nothing to remove"]
    age(home / "folder" / KEY)
    age(home / "fetched" / "a.tgz")
    list(free(["unused"]))
    assert before - left(home) == {f"folder/{KEY}"}


def test_what_is_being_made_stays(home):
    kept = home / "folder" / KEY
    with lock(kept.with_name(f".{KEY}.lock")):
        first, _ = free(["folder"])
    assert first.startswith(f"{kept} stays: ")
    assert "is held by another process" in first
    assert kept.exists()


def test_no_link_is_followed(home, tmp_path):
    outside = tmp_path / "outside"
    keep_domain(outside / "folder" / KEY, write)
    os.rename(home / "folder", tmp_path / "folder")
    (home / "folder").symlink_to(tmp_path / "folder")
    (home / "emoji" / "link").symlink_to(outside / "folder")
    (home / "features" / "link").symlink_to(outside / "folder" / KEY)
    list(free(["all"]))
    list(free(["folder", "emoji", "features"]))
    assert (tmp_path / "folder" / KEY / "x.npy").exists()
    assert (outside / "folder" / KEY / "x.npy").exists()


@pytest.mark.parametrize("act", [free, check_stored])
def test_an_unknown_name_is_told(home, act):
    before = left(home)
    with pytest.raises(ValueError, match=r"unknown name '\.\./x', known: amazon_reviews, "):
        list(act(["emoji", "../x"]))
    assert left(home) == before


def test_a_check_reads_all_and_removes_what_is_damaged(home):
    file = home / "features" / f"{KEY}.npy"
    stat = file.stat()
    file.write_bytes(bytes(8) + b"x")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert list(check_stored(["features", "folder"])) == [
        f"{file} was damaged: removed, and made again when it is needed",
        "features: 0 as they were written, 1 damaged, 0 not known",
        "folder: 1 as they were written, 0 damaged, 0 not known",
    ]
    assert list(check_stored(["features"])) == ["features: nothing stored"]
    assert not file.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--clean", "free some with"),
        ("--clean folder", "folder: removed 1 of 1"),
        ("--check features", "features: 1 as they were written"),
        ("--clean --check", "either --clean or --check"),
        ("--clean nothing", "unknown name 'nothing'"),
    ],
)
def test_the_command(home, capsys, words, said):
    with suppress(SystemExit):
        main(["data", *words.split()])
    assert said in "".join(capsys.readouterr())


def test_an_empty_cache_holds_nothing():
    assert len(list(describe_stored())) == 1
    assert list(free(["all"])) == ["nothing to remove"]
    assert list(check_stored([])) == []
