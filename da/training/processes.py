"""Processes that train one run together: how they start, meet and end."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, redirect_stdout
from typing import IO, TypeVar

import torch
import torch.distributed as dist

from da.runs.run import Run
from da.system.environment import cores
from da.system.signals import ENDING, SignalExit, SignalWatch

_Any = TypeVar("_Any")

GRACE = 30
"""Seconds that the first process has to end after another is lost."""
MOMENT = 2
"""Seconds in which the first process ends after another notices that it leaves."""
MISTAKE = 2
"""Status of a command whose words or settings are wrong."""
LEFT = [128 + number for number in ENDING]
"""Statuses of a process that a signal asked to leave."""


def count_processes() -> int:
    """Return the number of processes of this training, as torchrun or `launch` says."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_first() -> bool:
    """Return whether this process writes and prints: the first one, or the only one."""
    return not dist.is_initialized() or dist.get_rank() == 0


def wait_for_all() -> None:
    """Wait until all processes are here."""
    if dist.is_initialized():
        dist.barrier()


def take_from_first(value: _Any) -> _Any:
    """Return the first process's value in all, so that none decides otherwise over a rounding."""
    if not dist.is_initialized():
        return value
    box = [value]
    dist.broadcast_object_list(box, 0)
    return box[0]


def list_all(value: _Any) -> list[_Any]:
    """Return the values of all processes, by rank."""
    if not dist.is_initialized():
        return [value]
    found = [value] * dist.get_world_size()
    dist.all_gather_object(found, value)
    return found


def check_divisible(run: Run) -> None:
    """Check that several processes can train a run.

    Raises:
        ValueError: They cannot.
    """
    n = count_processes()
    if run.regime != "full":
        raise ValueError(f"{n} processes with regime {run.regime}, known: --regime full")
    if run.cuda_graph:
        raise ValueError(f"{n} processes with cuda_graph, known: --no-cuda-graph")


@contextmanager
def joined(device: str) -> Iterator[str]:
    """Join the other processes for a `with` block, if there are some, and give the device to use.

    The others print nothing. On GPUs, each process has its own.

    Args:
        device: Name of the device that the user asks for.
    """
    if count_processes() == 1:
        yield device
        return
    on_gpu = device.startswith("cuda") or (device == "auto" and torch.cuda.is_available())
    place = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if on_gpu else device
    if on_gpu:
        torch.cuda.set_device(place)
    dist.init_process_group("nccl" if on_gpu else "gloo")
    with ExitStack() as quiet:
        if not is_first():
            quiet.enter_context(redirect_stdout(quiet.enter_context(open(os.devnull, "w"))))
        yield place
        wait_for_all()
    dist.destroy_process_group()


def launch(count: int, words: Sequence[str]) -> int:
    """Run a command of `da` in several processes, and return its exit status.

    Where a process is lost, the others are ended too. On a signal that asks this process to end,
    the first one leaves with its checkpoint, however long its evaluation takes, before the others.

    Args:
        count: Number of processes.
        words: Words of the command line after `da`.

    Raises:
        ValueError: There are fewer GPUs.
        SignalExit: A signal came.
    """
    found = torch.cuda.device_count()
    if count < 1 or (found and count > found):
        known = f"1 to {found}" if found else "1 and more"
        raise ValueError(f"unknown number of GPUs {count}, known: {known}")
    with ExitStack() as held:
        told = [held.enter_context(tempfile.TemporaryFile("w+")) for _ in range(count - 1)]
        watch = held.enter_context(SignalWatch())
        running = _start(count, words, told)
        try:
            failed = _wait(running, watch)
            return _tell(*failed, running, told) if failed else 0
        finally:
            _end(running, 0 if watch.received else GRACE)


def _end(running: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    """End all processes; the first one, which alone writes, has so many seconds."""
    try:
        running[0].terminate()
        _wait_for_first(running, seconds)
    finally:
        for process in running:
            process.kill()
            process.wait()


def _wait_for_first(running: Sequence[subprocess.Popen[bytes]], seconds: float) -> int | None:
    """Return the status of the first process if it ends in so many seconds, else None."""
    late = time.monotonic() + seconds
    while running[0].poll() is None and time.monotonic() < late:
        time.sleep(0.1)
    return running[0].poll()


def _start(
    count: int, words: Sequence[str], told: Sequence[IO[str]]
) -> list[subprocess.Popen[bytes]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(count),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max(1, cores() // count))),
    }
    return [
        subprocess.Popen(
            [sys.executable, "-m", "da", *words],
            env=os.environ | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=None if rank == 0 else subprocess.DEVNULL,
            stderr=errors,
        )
        for rank, errors in enumerate([None, *told])
    ]


def _wait(running: Sequence[subprocess.Popen[bytes]], watch: SignalWatch) -> tuple[int, int] | None:
    """Wait for all processes, or for one that fails, and return its rank and status.

    Raises:
        SignalExit: A signal came, and the first process, which was told, or another has ended.
    """
    told = False
    while True:
        ended = [process.poll() for process in running]
        failed = [(rank, status) for rank, status in enumerate(ended) if status]
        if failed or None not in ended:
            break
        if watch.received and not told:
            running[0].terminate()
            told = True
        time.sleep(0.1)
    if watch.received:
        raise SignalExit(watch.received)
    return failed[0] if failed else None


def _tell(
    rank: int, status: int, running: Sequence[subprocess.Popen[bytes]], told: Sequence[IO[str]]
) -> int:
    """Return the status of the command after a process failed, and say which where none did."""
    if rank == 0 and status > 0:
        return status
    if rank:
        mistake = status == MISTAKE  # the first process makes it too, and says so
        first = _wait_for_first(running, GRACE if mistake else MOMENT)
        if first and (mistake or first in LEFT):
            return first
    why = _last_line(told[rank - 1]) if rank and status > 0 else ""
    how = f"status {status}" if status > 0 else f"ended by {signal.Signals(-status).name}"
    print(f"da: process {rank} of {len(running)} is lost: {why or how}", file=sys.stderr)
    return 1


def _last_line(told: IO[str]) -> str:
    told.seek(0)
    return told.read().strip().rpartition("\n")[2].removeprefix("da: ")
