import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from da.system.locks import is_held, lock, remove_stale_locks


def test_a_lock_is_a_file_only_while_it_is_held(tmp_path):
    path = tmp_path / "new" / "lock"
    with lock(path):
        assert path.exists()
        with pytest.raises(BlockingIOError), lock(path, wait=False):
            pass
        assert path.exists()
    assert not path.exists()


def test_an_error_frees_it(tmp_path):
    path = tmp_path / "lock"
    with pytest.raises(KeyError), lock(path):
        raise KeyError
    with lock(path, wait=False):
        pass


COUNT = """
import sys
from pathlib import Path
from da.system.locks import lock
path, count = Path(sys.argv[1]), Path(sys.argv[2])
for _ in range(100):
    with lock(path):
        count.write_text(str(int(count.read_text()) + 1))
"""


def python(code: str, *args: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, args)])


@pytest.mark.slow
def test_of_several_processes_one_at_a_time_has_it(tmp_path):
    """Though each removes the file that the others wait for."""
    count = tmp_path / "count"
    count.write_text("0")
    each = [python(COUNT, tmp_path / "lock", count) for _ in range(4)]
    assert [process.wait() for process in each] == [0] * 4
    assert count.read_text() == "400"
    assert list(tmp_path.iterdir()) == [count]


def test_who_waited_for_a_removed_file_tries_again(tmp_path, monkeypatch):
    """The holder removes the file after the waiting one opened it, and a third makes it again."""
    path = tmp_path / "lock"
    once = [path.unlink, path.touch]
    take = os.open

    def open_late(*args):
        opened = take(*args)
        while once:
            once.pop(0)()
        return opened

    monkeypatch.setattr("da.system.locks.os.open", open_late)
    with lock(path):
        monkeypatch.undo()
        with pytest.raises(BlockingIOError), lock(path, wait=False):
            pass


KILLED = """
import os, signal, sys
from pathlib import Path
from da.system.locks import lock
with lock(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_stale_locks_are_removed_and_held_ones_stay(tmp_path: Path):
    stale, held = tmp_path / "stale", tmp_path / "held"
    assert python(KILLED, stale).wait() == -signal.SIGKILL
    assert stale.exists()
    with lock(held):
        remove_stale_locks(tmp_path)
        assert list(tmp_path.iterdir()) == [held]
    remove_stale_locks(tmp_path / "nowhere")


def test_a_folder_that_another_process_removes_in_between_is_made_again(tmp_path, monkeypatch):
    path, real = tmp_path / "locks" / "a", os.open

    def open_late(*arguments):
        monkeypatch.setattr(os, "open", real)
        path.parent.rmdir()
        return real(*arguments)

    monkeypatch.setattr(os, "open", open_late)
    with lock(path):
        assert path.exists()


def test_everybody_gets_it_where_the_file_system_has_no_locks(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with lock(tmp_path / "a", wait=False), lock(tmp_path / "a", wait=False):
        assert not is_held(tmp_path / "a")
    assert not [*tmp_path.iterdir()]


def test_another_error_of_the_file_system_is_raised(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.EIO, "Input/output error")

    (tmp_path / "a").touch()
    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(OSError, match="Input/output"), lock(tmp_path / "a"):
        pass
    with pytest.raises(OSError, match="Input/output"):
        is_held(tmp_path / "a")
