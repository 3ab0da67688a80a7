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

_Any = TypeVar("_Any")

GRACE = 30
"""Seconds that a process has to write its checkpoint when it is ended."""
MISTAKE = 2
"""Status of a command whose words or settings are wrong."""


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

    Where a process is lost, the others are ended too.

    Args:
        count: Number of processes.
        words: Words of the command line after `da`.

    Raises:
        ValueError: There are fewer GPUs.
    """
    found = torch.cuda.device_count()
    if count < 1 or (found and count > found):
        raise ValueError(f"unknown number of GPUs {count}, known: 1 to {max(1, found)}")
    with ExitStack() as held:
        told = [held.enter_context(tempfile.TemporaryFile("w+")) for _ in range(count - 1)]
        running = _start(count, words, told)
        before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        try:
            return _wait(running, told)
        finally:
            signal.signal(signal.SIGTERM, before)
            _end(running)


def _end(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all processes, also those that wait for one that is lost."""
    for process in running:
        process.terminate()
    for process in _wait_for_end(running):
        process.kill()
        process.wait()


def _wait_for_end(running: Sequence[subprocess.Popen[bytes]]) -> list[subprocess.Popen[bytes]]:
    """Wait until processes end, and return those that do not in their time."""
    late = time.monotonic() + GRACE
    while time.monotonic() < late and None in [process.poll() for process in running]:
        time.sleep(0.1)
    return [process for process in running if process.poll() is None]


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


def _wait(running: Sequence[subprocess.Popen[bytes]], told: Sequence[IO[str]]) -> int:
    """Wait for all processes, or for the first that fails, and return its status."""
    while True:
        ended = [process.poll() for process in running]
        if failed := [(rank, status) for rank, status in enumerate(ended) if status]:
            break
        if None not in ended:
            return 0
        time.sleep(0.1)
    rank, status = failed[0]
    if rank and status == MISTAKE:  # the first process makes it too, and says so
        _wait_for_end(running[:1])
    if rank and running[0].poll() is None:
        told[rank - 1].seek(0)
        last = told[rank - 1].read().strip().rpartition("\n")[2].removeprefix("da: ")
        why = last or f"status {status}"
        print(f"da: process {rank} of {len(running)} is lost: {why}", file=sys.stderr)
        return 1
    return status if status > 0 else 1
