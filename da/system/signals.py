"""Signals that ask a process to end: SIGTERM, and SIGUSR1, by which Slurm warns."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENDING = signal.SIGTERM, signal.SIGUSR1

AT_ONCE = 1.0
"""Seconds within which signals are one, as a batch system and `--gpus` both send it."""


class SignalExit(SystemExit):
    """The end of a process that a signal asked for, with the status that a shell knows it by."""

    is_of_user = True
    """Whether no error of a run or a plug-in explains it."""

    def __init__(self, number: int):
        super().__init__(128 + number)


class SignalWatch:
    """Notes a signal that asks this process to end; a later one ends it at once.

    This is within a `with` block, and in the main thread, which alone gets signals.
    """

    def __init__(self) -> None:
        self.received = 0
        """Number of the signal; 0 for none."""
        self._end = 0.0
        self._handling = _handle(self._note)

    def __enter__(self) -> "SignalWatch":
        self._handling.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._handling.__exit__(*error)

    def _note(self, number: int, _: object) -> None:
        if not self.received:
            self.received, self._end = number, time.monotonic() + AT_ONCE
        elif time.monotonic() > self._end:
            raise SignalExit(number)


@contextmanager
def exit_on_signals() -> Iterator[None]:
    """Raise SignalExit in the block where a signal asks this process to end."""

    def leave(number: int, _: object) -> None:
        raise SignalExit(number)

    with _handle(leave):
        yield


@contextmanager
def _handle(handler: Callable[[int, Any], None]) -> Iterator[None]:
    before: dict[int, Any] = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, handler) for number in ENDING}
    try:
        yield
    finally:
        for number, usual in before.items():
            signal.signal(number, usual or signal.SIG_DFL)
