import os
import subprocess
import sys
from pathlib import Path

import pytest

from da.system.temporary import FOREIGN, part_path, remove_abandoned


def dead_process() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def as_of(process: int, folder: Path, name: str = "file") -> Path:
    """Return a temporary path of another process of this machine."""
    own = part_path(folder / name)
    return own.with_name(own.name.replace(f".{os.getpid()}.", f".{process}."))


@pytest.mark.parametrize("folder", [False, True])
def test_what_a_dead_process_left_goes(tmp_path, folder):
    path = as_of(dead_process(), tmp_path, "a.b.npy")
    if folder:
        path.mkdir()
        (path / "x.npy").touch()
    else:
        path.touch()
    remove_abandoned(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_living_processes_write_stays(tmp_path):
    own, other = part_path(tmp_path / "file"), as_of(os.getppid(), tmp_path)
    own.touch()
    other.touch()
    remove_abandoned(tmp_path)
    assert set(tmp_path.iterdir()) == {own, other}


@pytest.mark.parametrize("name", [".file.0123abcd.{}.part", ".file.{}.part"])
def test_what_another_machine_or_version_writes_goes_after_a_day(tmp_path, name):
    path = tmp_path / name.format(dead_process())
    path.mkdir()
    inner = path / "x.npy"
    inner.touch()
    os.utime(path, (0, 0))
    remove_abandoned(tmp_path)
    assert path.exists(), "a file in it was written just now"
    os.utime(inner, (0, 0))
    remove_abandoned(tmp_path)
    assert not path.exists()
    assert FOREIGN == 24 * 3600


@pytest.mark.parametrize(
    "name", ["file.1.part", ".file.part", ".1.part", ".a.x1.part", ".a.1.parts"]
)
def test_what_is_named_otherwise_stays(tmp_path, name):
    (tmp_path / name).touch()
    os.utime(tmp_path / name, (0, 0))
    remove_abandoned(tmp_path)
    assert (tmp_path / name).exists()


def test_a_folder_that_is_not_there_is_none(tmp_path):
    remove_abandoned(tmp_path / "nowhere")
