import errno
import os
import signal
import subprocess
import sys
from hashlib import sha256 as reference
from pathlib import Path

import pytest

from da.system.cache import UnwritableError, cache_home, file_sha256, make_once, write_whole


def test_home_is_da_home_or_the_usual_cache(monkeypatch, tmp_path):
    assert cache_home() == tmp_path / "home"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("DA_HOME", "")
    assert cache_home() == tmp_path / ".cache" / "da"
    monkeypatch.delenv("DA_HOME")
    assert cache_home() == tmp_path / ".cache" / "da"


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
    (tmp_path / f".folder.{os.getpid()}.part").mkdir()
    assert make_once(path, Path.mkdir).is_dir()


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


def test_sha256_is_that_of_the_content(tmp_path):
    (tmp_path / "file").write_bytes(b"abc")
    assert file_sha256(tmp_path / "file") == reference(b"abc").hexdigest()
