"""Processes for attempts: copies of one that has imported torch, so that each starts at once.

They are free of what pytest changes: its filter of warnings, its checks of types, its threads.
"""

import multiprocessing
import os
import resource
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.contracts.faults.outcomes import Outcome, run_command

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

MEMORY = 12 * 2**30
"""Bytes that an attempt may take, so that a huge setting does not take the whole machine."""

BEGINNING = """
from dataclasses import replace
from da.methods import METHODS, Network
from da.runs.run import Run

FIRST = Run(
    METHODS["source_only"].Hparams(),
    "moons:0-20",
    backbone="mlp",
    init="random",
    regime="full",
    network=Network(neck=0, dropout=0),
    steps=6,
    eval_every=3,
)
"""
"""Source of a run on points, with which others begin."""

FORK = multiprocessing.get_context("forkserver")
FORK.set_forkserver_preload(
    [
        *("tests.contracts.faults.outcomes", "da.cli.main", "da.training.sweep", "da.search.tune"),
        *("da.deploy.export", "da.results.plots.experiment", "onnxruntime", "torch.onnx"),
        "timm",
    ]
)


def enter(folder: Path, environment: dict[str, str]) -> None:
    """Work in `folder`, with one thread, no GPU and limited memory, in a session of our own."""
    import torch
    from tqdm import tqdm

    from da.methods import base

    base.LOADED = time.time()  # what we are a copy of has read no plug-ins
    os.setsid()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment, OMP_NUM_THREADS="1", CUDA_VISIBLE_DEVICES="")
    torch.set_num_threads(1)
    tqdm.set_lock(threading.RLock())  # the default, a semaphore, stays behind when we are killed
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def call_in_child(
    folder: Path, function: Callable[..., Any], *arguments: Any, seconds: float = 600
) -> Any:
    """Return what a function gives in a process that works in `folder`."""
    ours, theirs = FORK.Pipe(duplex=False)
    work = folder, dict(os.environ), function, arguments
    process = FORK.Process(target=_answer, args=(theirs, *work))
    process.start()
    theirs.close()
    try:
        if not ours.poll(seconds):
            raise TimeoutError(f"no answer in {seconds:g} s")
        return ours.recv()
    except EOFError:
        process.join()
        raise RuntimeError(f"the process ended with {process.exitcode}") from None
    finally:
        process.kill()
        process.join()


def _answer(
    to: Connection,
    folder: Path,
    environment: dict[str, str],
    function: Callable[..., Any],
    arguments: Sequence[Any],
) -> None:
    enter(folder, environment)
    to.send(function(*arguments))


def da(folder: Path, *words: object, **options: Any) -> Outcome:
    """Run one command of `da` in a process of its own."""
    return call_in_child(folder, _one, [str(word) for word in words], options)


def _one(words: list[str], options: dict[str, Any]) -> Outcome:
    return run_command(words, **options)


class Command:
    """A command that can be killed, with all processes that it starts.

    With `copies` its workers are copies of it, which start at once; else as in earnest.
    """

    def __init__(self, folder: Path, words: Sequence[str], copies: bool = True):
        self.log = folder / "log.txt"
        arguments = folder, dict(os.environ), self.log, list(words), copies
        self.process = FORK.Process(target=_carry_out, args=arguments)
        self.process.start()
        self.start = time.monotonic()

    @property
    def pid(self) -> int:
        """Process id, which is that of its session too."""
        assert self.process.pid
        return self.process.pid

    def kill(self, how: str, choose: Callable[[list[int]], int]) -> bool:
        """Kill the process, its group or one worker; return False where it had ended before."""
        pids = [self.pid] if how == "parent" else [*workers(self.pid)]
        if how == "group":
            pids = session(self.pid)
        if not pids or not self.process.is_alive():
            return False
        for pid in [choose(pids)] if how == "worker" else pids:
            os.kill(pid, signal.SIGKILL)
        return True

    def wait(self, seconds: float = 300) -> int | None:
        """Wait for the end of the process, and return its status; None where it goes on."""
        self.process.join(seconds)
        return self.process.exitcode

    def orphans(self, seconds: float = 6) -> list[int]:
        """Return the processes of the session that live on for so many seconds."""
        end = time.monotonic() + seconds
        while (left := session(self.pid)) and time.monotonic() < end:
            time.sleep(0.05)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        return left


def _carry_out(
    folder: Path, environment: dict[str, str], log: Path, words: list[str], copies: bool
) -> None:
    from da.cli.main import main

    enter(folder, environment)
    if copies:
        _use_copies()
    with log.open("w") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    main(words)


def _use_copies() -> None:
    """Let workers be copies of this process.

    Like new ones, they hold only their own pipe, and remove what killed processes left.
    """
    from da.system import cache
    from da.training import worker_pool

    forks, ours = multiprocessing.get_context("fork"), list[Connection]()

    def connect() -> tuple[Connection, Connection]:
        pipe = forks.Pipe()
        ours.append(pipe[0])
        return pipe

    def forget() -> None:
        cache._tidy.cache_clear()
        for end in ours:
            end.close()

    os.register_at_fork(after_in_child=forget)
    setattr(worker_pool, "_SPAWN", SimpleNamespace(Pipe=connect, Process=forks.Process))  # noqa: B010


def _stat(pid: int) -> list[str]:
    """Return the state, parent, group and session of a process; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return []


def _living() -> dict[int, list[str]]:
    found = {int(name): _stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}
    return {pid: stat for pid, stat in found.items() if stat and stat[0] not in "ZX"}


def session(leader: int) -> list[int]:
    """Return the living processes of a session."""
    return [pid for pid, stat in _living().items() if int(stat[3]) == leader]


def workers(parent: int) -> list[int]:
    """Return the workers of a sweep: processes that it started, but for Python's own helper."""
    mine = [pid for pid, stat in _living().items() if int(stat[1]) == parent]
    return [pid for pid in mine if b"resource_tracker" not in _words(pid)]


def _words(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
