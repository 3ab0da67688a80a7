import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from da.system import environment


@pytest.fixture(autouse=True)
def forget():
    environment.environment.cache_clear()
    yield
    environment.environment.cache_clear()


def test_says_machine_commit_and_versions():
    here = environment.environment()
    assert {"machine", "system", "commit", "python", *environment.LIBRARIES} == set(here)
    assert all(here.values())
    assert here["machine"] == f"{environment.processor()}, {environment.cores()} cores"


CPUINFO = "processor\t: 0\nmodel name\t: Intel(R) Xeon(R) Processor\ncache size\t: 1 KB\n"


def test_the_processor_is_named_as_the_system_tells_it(monkeypatch):
    monkeypatch.setattr(environment.Path, "exists", lambda _: True)
    monkeypatch.setattr(environment.Path, "read_text", lambda _: CPUINFO)
    assert environment.processor() == "Intel(R) Xeon(R) Processor"
    monkeypatch.setattr(environment.Path, "exists", lambda _: False)
    monkeypatch.setattr(environment.platform, "processor", lambda: "arm")
    assert environment.processor() == "arm"


@pytest.mark.parametrize(
    "error", [FileNotFoundError("git"), subprocess.CalledProcessError(128, "git")]
)
def test_the_commit_is_unknown_without_git_or_repository(monkeypatch, error):
    def fail(*_, **__):
        raise error

    monkeypatch.setattr(subprocess, "run", fail)
    assert environment.environment()["commit"] == "unknown"


def test_cores_are_those_this_process_may_use(monkeypatch):
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 3}, raising=False)
    assert environment.cores() == 2
    monkeypatch.delattr(os, "sched_getaffinity")
    assert environment.cores() == 64
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert environment.cores() == 1


REACHED = """
from da.system.environment import peak_memory, reset_peak_memory
held = bytearray(300 * 2**20)
print(peak_memory())
del held
reset_peak_memory()
print(peak_memory())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="writes to /proc")
def test_peak_memory_begins_anew():
    """In a child of a small process, since Linux counts what the parent held when it forked."""
    command = ["sh", "-c", f'{sys.executable} -c "$0"; true', REACHED]
    reached, later = map(float, subprocess.check_output(command, text=True).split())
    assert reached > 300 > later > 5


@pytest.mark.parametrize(("platform", "mb"), [("linux", 3072), ("darwin", 3)])
def test_peak_memory_is_in_mb(monkeypatch, platform, mb):
    assert environment.peak_memory() > 50
    usage = SimpleNamespace(ru_maxrss=3 * 2**20)
    monkeypatch.setattr(environment.resource, "getrusage", lambda _: usage)
    monkeypatch.setattr(environment.sys, "platform", platform)
    assert environment.peak_memory() == mb
