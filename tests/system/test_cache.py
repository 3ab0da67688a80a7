import errno
import os
import signal
import subprocess
import sys
from hashlib import sha256 as reference
from pathlib import Path

import pytest

from da.system import cache
from da.system.cache import (
    UnwritableError,
    cache_home,
    check_writable,
    discard,
    file_sha256,
    make_once,
    remove_unused,
    write_whole,
)
from da.system.checksums import sums_file
from da.system.temporary import part_path
from tests.fixtures.files import age


def test_home_is_da_home_or_the_usual_cache(monkeypatch, tmp_path):
    assert cache_home() == tmp_path / "home"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DA_HOME", "")
    assert cache_home() == tmp_path / ".cache" / "da"
    monkeypatch.delenv("DA_HOME")
    assert cache_home() == tmp_path / ".cache" / "da"
    monkeypatch.setenv("DA_HOME", "~/x")
    assert cache_home() == tmp_path / "x"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DA_HOME", "x")
    assert cache_home() == tmp_path / "x"


@pytest.mark.parametrize("named", ["file", "~nobody-of-that-name/x"])
def test_a_home_that_can_be_none_is_named(monkeypatch, tmp_path, named):
    (tmp_path / "file").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DA_HOME", named)
    with pytest.raises(ValueError, match=f"DA_HOME is '{named}'"):
        cache_home()


def test_a_file_appears_when_all_went_well(tmp_path):
    path = tmp_path / "new" / "file"
    with write_whole(path) as part:
        part.write_text("half")
        assert not path.exists()
        part.write_text("whole")
    assert path.read_text() == "whole"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("folder", [False, True])
def test_an_error_leaves_what_was_there(tmp_path, folder):
    path = tmp_path / "file"
    path.write_text("old")

    def fail():
        with write_whole(path) as part:
            part.mkdir() if folder else part.write_text("half")
            raise KeyError("a mistake")

    with pytest.raises(KeyError, match="a mistake"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_leaves_what_was_there_and_says_what_to_do(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")

    def fill():
        with write_whole(path) as part:
            part.write_text("half")
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(UnwritableError, match=f"cannot write {path}: .*No space left.*DA_HOME"):
        fill()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def whole_file(path: Path) -> None:
    with write_whole(path) as part:
        part.touch()


def once_file(path: Path) -> None:
    make_once(path, Path.touch)


@pytest.mark.parametrize("write", [whole_file, once_file])
def test_a_home_that_cannot_be_says_what_to_do(tmp_path, write):
    (tmp_path / "home").write_text("no folder")
    with pytest.raises(UnwritableError, match=r"cannot write .*point DA_HOME elsewhere"):
        write(tmp_path / "home" / "features" / "file")


def test_a_folder_that_cannot_be_put_in_place_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "folder"
    path.mkdir()
    (path / "old").touch()

    def refuse(self, target):
        raise OSError(errno.EACCES, "Permission denied")

    def replace():
        with write_whole(path) as part:
            part.mkdir()
            monkeypatch.setattr(Path, "replace", refuse)

    with pytest.raises(UnwritableError):
        replace()
    assert (path / "old").exists()


def python(code: str, *args: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)])


KILLED = """
import os, signal, sys
from pathlib import Path
from da.system.cache import write_whole
with write_whole(Path(sys.argv[1])) as part:
    part.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("before", ["old", None])
def test_a_kill_leaves_what_was_there(tmp_path, before):
    path = tmp_path / "file"
    if before:
        path.write_text(before)
    assert python(KILLED, path).wait() == -signal.SIGKILL
    assert (path.read_text() if path.exists() else None) == before


def test_remains_of_a_killed_process_of_the_same_number_do_no_harm(tmp_path):
    path = tmp_path / "folder"
    part_path(path).mkdir()
    assert make_once(path, Path.mkdir).is_dir()


@pytest.mark.parametrize("how", ["write", "make"])
def test_what_killed_processes_left_goes_at_the_next_write(tmp_path, how):
    assert python(KILLED, tmp_path / "other").wait() == -signal.SIGKILL
    assert len(list(tmp_path.iterdir())) == 1
    (tmp_path / ".other.lock").touch()
    whole_file(tmp_path / "file") if how == "write" else once_file(tmp_path / "file")
    left = {".other.lock"} if how == "write" else set()
    assert {path.name for path in tmp_path.iterdir()} == {"file"} | left


@pytest.mark.parametrize("folder", [False, True])
def test_it_is_on_the_disk_before_it_is_in_place_and_then_the_folder(tmp_path, monkeypatch, folder):
    path = tmp_path / "path"
    synced = []
    sync = os.fsync

    def note(opened):
        name = os.readlink(f"/proc/self/fd/{opened}")
        synced.append((Path(name).name.endswith(".npy"), name == str(tmp_path), path.exists()))
        sync(opened)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(cache, "part_path", lambda path: path.with_name(".part.npy"))
    with write_whole(path) as part:
        if folder:
            part.mkdir()
        for file in (part / "x.npy", part / "y.npy") if folder else (part,):
            file.write_text("content")
    assert synced[: 2 if folder else 1] == [(True, False, False)] * (2 if folder else 1)
    assert synced[-1] == (False, True, True)


MAKE_SLOWLY = """
import sys, time
from pathlib import Path
from da.system.cache import make_once
def make(part):
    with open(sys.argv[2], "a") as log:
        log.write("made ")
    time.sleep(0.4)
    part.write_text("made")
make_once(Path(sys.argv[1]), make)
"""


@pytest.mark.slow
def test_of_two_processes_one_makes_it(tmp_path):
    path, log = tmp_path / "file", tmp_path / "log"
    both = [python(MAKE_SLOWLY, path, log) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert path.read_text() == log.read_text().strip() == "made"


def test_what_is_there_is_not_made_again(tmp_path):
    (tmp_path / "file").write_text("old")
    assert make_once(tmp_path / "file", lambda part: part.write_text("new")).read_text() == "old"


def test_what_could_not_be_made_is_made_the_next_time(tmp_path):
    def fail(part):
        part.write_text("half")
        raise ValueError("no network")

    with pytest.raises(ValueError, match="no network"):
        make_once(tmp_path / "file", fail)
    assert not (tmp_path / "file").exists()
    assert (
        make_once(tmp_path / "file", lambda part: part.write_text("whole")).read_text() == "whole"
    )


def unread(path: Path) -> None:
    if path.read_text() != "right":
        raise ValueError("damaged")


def write_right(path: Path) -> None:
    path.write_text("right")


@pytest.mark.parametrize("earlier", [False, True])
def test_what_is_damaged_is_made_again_and_named(tmp_path, capsys, earlier):
    path = make_once(tmp_path / "file", write_right, unread)
    if earlier:
        sums_file(path).unlink()
    path.write_text("wrong")
    with path.open() as reader:
        assert make_once(path, write_right, unread).read_text() == "right"
        assert capsys.readouterr().err == f"{path} is damaged: making it again\n"
        assert reader.read() == "wrong", "a reader keeps what it has"
    make_once(path, pytest.fail, unread)
    assert {file.name for file in tmp_path.iterdir()} == {"file", ".file.sums"}


def test_a_damaged_folder_is_made_again(tmp_path):
    def make(folder):
        folder.mkdir()
        write_right(folder / "file")

    path = make_once(tmp_path / "folder", make, lambda folder: unread(folder / "file"))
    (path / "file").unlink()
    make_once(path, make, lambda folder: unread(folder / "file"))
    assert (path / "file").read_text() == "right"
    assert {file.name for file in tmp_path.iterdir()} == {"folder", ".folder.sums"}


def test_what_cannot_be_made_again_stays(tmp_path):
    path = make_once(tmp_path / "file", write_right, unread)
    path.write_text("wrong")

    def fail(_):
        raise ValueError("no network")

    with pytest.raises(ValueError, match="no network"):
        make_once(path, fail, unread)
    assert path.read_text() == "wrong"


def test_what_an_earlier_version_made_gets_checksums(tmp_path):
    path = tmp_path / "file"
    write_right(path)
    make_once(path, pytest.fail, unread)
    assert sums_file(path).exists()


def test_an_error_of_another_file_is_not_one_of_writing(tmp_path):
    elsewhere = tmp_path / "images" / "a.png"
    with pytest.raises(FileNotFoundError, match=f"No such file or directory: '{elsewhere}'"):
        make_once(tmp_path / "home" / "file", lambda _: elsewhere.read_text())

    def fail(_):
        raise OSError("unknown format")

    with pytest.raises(OSError, match=r"^unknown format$"):
        make_once(tmp_path / "home" / "file", fail)


def test_what_nobody_used_makes_room(tmp_path):
    names = [letter * 24 for letter in "abcd"]
    for name in [*names, "by-hand"]:
        make_once(tmp_path / name, Path.mkdir, Path.iterdir)
        age(tmp_path / name)
    make_once(tmp_path / names[0], pytest.fail, Path.iterdir)
    with cache.lock(tmp_path / f".{names[1]}.lock"):
        remove_unused(tmp_path)
    left = [names[0], names[1], "by-hand"]
    assert {path.name for path in tmp_path.iterdir()} == {
        *left,
        *(f".{name}.sums" for name in left),
    }


def test_checksums_of_what_is_gone_go(tmp_path):
    make_once(tmp_path / "file", write_right, unread).unlink()
    remove_unused(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_link_leaves_its_target(tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "target")
    discard(tmp_path / "link")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_sha256(tmp_path / "file") == reference(b"abc").hexdigest()


@pytest.mark.parametrize("folder", ["new", "new/er/still", ""])
def test_a_folder_is_tried_without_being_made(folder, tmp_path):
    check_writable(tmp_path / folder)
    assert not [*tmp_path.iterdir()]


@pytest.mark.parametrize("folder", ["file", "file/x", "/proc", "/proc/x", "x" * 300, "link"])
def test_a_folder_that_cannot_be_written_or_made_is_told_of(folder, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(UnwritableError, match=r"^cannot write .*point --results elsewhere$"):
        check_writable(tmp_path / folder, "--results")


def test_a_device_is_not_replaced_by_a_file(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    refused = pytest.raises(UnwritableError, match="pipe: it is a device or the like")
    with refused, write_whole(pipe) as part:
        part.write_text("x")
    assert pipe.is_fifo()
