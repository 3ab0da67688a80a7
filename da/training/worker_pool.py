"""Carry out tasks in parallel processes, and go on when one is killed. Does not import torch."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, resource_tracker
from typing import Any, TypeVar

from da.system.signals import SignalExit, exit_on_signals

Task = TypeVar("Task")
Result = TypeVar("Result")

_SPAWN = multiprocessing.get_context("spawn")


NOT_GUARDED = 78
"""Exit status of a process that is started by the script that it has to import first."""


@dataclass(frozen=True)
class Death:
    """The end of a process in the middle of a task."""

    exitcode: int
    """Exit status of the process; below 0, minus the signal that ended it."""

    def __str__(self) -> str:
        if self.exitcode == -signal.SIGKILL:
            return "its process was killed (out of memory?)"
        if self.exitcode < 0:
            return f"its process was ended by {signal.Signals(-self.exitcode).name}"
        return f"its process ended with exit status {self.exitcode}"


def run_in_processes(
    do: Callable[[Task], Result], tasks: Sequence[Task], workers: int
) -> Iterator[tuple[Task, Result | Death]]:
    """Carry out tasks in parallel processes, and yield each with its result as it ends.

    A process that is killed ends only its own task; a new process takes the next one. Processes
    are connected by pipes, without semaphores, so that they need no shared memory. A signal that
    asks this process to end reaches all of them, and ends it once they have ended.

    Args:
        do: Function from a task to its result. It runs in processes that import it by name.
        tasks: Tasks, begun in this order.
        workers: Largest number of processes at once.

    Raises:
        Exception: The error of a task. The processes finish the tasks that they have begun.
        ValueError: The script that is running starts processes whenever it is imported.
    """
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        os._exit(NOT_GUARDED)
    resource_tracker.ensure_running()  # which unblocks Ctrl-C when it starts
    with exit_on_signals():
        yield from _carry_out(do, deque(tasks), workers)


def _carry_out(
    do: Callable[[Task], Result], left: deque[Task], workers: int
) -> Iterator[tuple[Task, Result | Death]]:
    pool: list[_Worker] = []
    try:
        for _ in range(min(workers, len(left))):
            _start(pool).give(do, left.popleft())
        while busy := {worker.pipe: worker for worker in pool if not worker.pipe.closed}:
            for pipe in connection.wait(list(busy)):
                worker = busy[pipe]  # type: ignore[index]
                task, result = worker.task, worker.take()
                if not left:
                    worker.pipe.close()
                elif isinstance(result, Death):
                    worker.pipe.close()
                    _start(pool).give(do, left.popleft())
                else:
                    worker.give(do, left.popleft())
                yield task, result
    except (KeyboardInterrupt, GeneratorExit, SignalExit):
        for worker in pool:
            worker.process.terminate()
        raise
    finally:
        for worker in pool:
            worker.pipe.close()
            worker.process.join()


def _start(pool: "list[_Worker]") -> "_Worker":
    with _hold_interrupts():
        pool.append(_Worker())
    return pool[-1]


@contextmanager
def _hold_interrupts() -> Iterator[None]:
    """Delay Ctrl-C. It reaches workers too; they keep this mask, so that only we end them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Worker:
    """A process that carries out one task at a time."""

    def __init__(self) -> None:
        self.pipe, theirs = _SPAWN.Pipe()
        self.task: Any = None
        self.process = _SPAWN.Process(target=_work, args=(theirs,), daemon=True)
        self.process.start()
        theirs.close()

    def give(self, do: Callable[[Any], Any], task: Any) -> None:
        self.task = task
        with suppress(OSError):  # it has died, which `take` notices
            self.pipe.send((do, task))

    def take(self) -> Any:
        """Return the result of the task, or the death of the process; raise the task's error."""
        try:
            result, error = self.pipe.recv()
        except (EOFError, OSError):
            self.process.join()
            if self.process.exitcode == NOT_GUARDED:
                raise ValueError(
                    "each worker imports this script: put what starts workers under "
                    '`if __name__ == "__main__":`, or sweep with workers=1'
                ) from None
            return Death(self.process.exitcode or 0)
        if error:
            raise error
        return result


def _work(pipe: connection.Connection) -> None:
    """Carry out tasks until the pipe is closed."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with suppress(EOFError, OSError):
        while True:
            do, task = pipe.recv()  # imports what the task needs, such as torch, in seconds
            try:
                result, failure = do(task), None
            except Exception as error:
                result, failure = None, error
            pipe.send((result, failure))


def _end_with_parent() -> None:
    """End this process as soon as its parent has ended."""
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)
