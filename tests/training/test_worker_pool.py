"""Processes that are killed take only their own task with them, and none outlives its parent."""

import _multiprocessing
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from da.training.worker_pool import Death, run_in_processes

pytestmark = pytest.mark.slow


def halve(number: int) -> float:
    return 1 / number


def die_of(number: int, deadly: int, by: int = signal.SIGKILL) -> int:
    if number == deadly:
        os.kill(os.getpid(), by)
    return number


def find_out(_: int) -> tuple[bool, bool]:
    """Whether torch is loaded where nothing needs it, and whether Ctrl-C is blocked."""
    return "torch" in sys.modules, signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_a_killed_process_takes_only_its_own_task_with_it():
    ended = dict(run_in_processes(partial(die_of, deadly=1), range(6), 2))
    assert ended.pop(1) == Death(-signal.SIGKILL)
    assert ended == {number: number for number in (0, 2, 3, 4, 5)}


def test_a_death_says_what_it_was_of():
    assert str(Death(-signal.SIGKILL)) == "its process was killed (out of memory?)"
    assert str(Death(3)) == "its process ended with exit status 3"
    (_, ended), *_ = run_in_processes(partial(die_of, deadly=0, by=signal.SIGSEGV), [0], 2)
    assert str(ended) == "its process was ended by SIGSEGV"


def test_the_error_of_a_task_is_raised():
    with pytest.raises(ZeroDivisionError):
        list(run_in_processes(halve, [0, 1, 2], 2))


def test_workers_start_without_torch_and_leave_interruptions_to_us():
    assert list(run_in_processes(find_out, [0], 1)) == [(0, (False, True))]


def test_no_shared_memory_is_needed(monkeypatch):
    def fail(*_, **__):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(_multiprocessing, "SemLock", fail)
    assert sorted(run_in_processes(halve, [1, 2], 2)) == [(1, 1.0), (2, 0.5)]


def test_what_is_not_waited_for_is_ended():
    outcomes = run_in_processes(time.sleep, [0, 600], 2)
    start = time.monotonic()
    assert next(outcomes) == (0, None)
    outcomes.close()
    assert time.monotonic() - start < 60


PARENT = """
import sys, time
sys.path.insert(0, {tests!r})
from da.training import worker_pool
if __name__ == "__main__":
    pool = []
    for _ in range(2):
        worker_pool._start(pool).give(time.sleep, 60)
    print("started", flush=True)
    time.sleep(60)
"""


@pytest.mark.parametrize("pause", [0, 1.5])
def test_workers_end_with_their_parent_even_while_they_start(tmp_path, pause):
    script = tmp_path / "parent.py"
    script.write_text(PARENT.format(tests=str(Path(__file__).parents[2])))
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout
        parent.stdout.readline()
        time.sleep(pause)
        parent.kill()
        start = time.monotonic()
        assert parent.stdout.read() == b""  # ends when no worker holds it any more
        assert time.monotonic() - start < 15


UNGUARDED = """
from da.training.worker_pool import run_in_processes
print(list(run_in_processes(abs, [-1, -2], 2)))
"""


@pytest.mark.slow
def test_a_script_that_workers_import_before_they_work_is_told(tmp_path):
    (tmp_path / "script.py").write_text(UNGUARDED)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    said = [line for line in done.stderr.splitlines() if not line.startswith((" ", "Traceback"))]
    assert len(said) == 1, done.stderr
    assert "under `if __name__ ==" in said[0]
    guarded = UNGUARDED.replace("print", "if __name__ == '__main__': print")
    (tmp_path / "script.py").write_text(guarded)
    done = subprocess.run([sys.executable, "script.py"], capture_output=True, text=True)
    assert sorted(eval(done.stdout)) == [(-2, 2), (-1, 1)]
