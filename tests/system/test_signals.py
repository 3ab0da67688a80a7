"""A signal that asks for the end is noted or raised, and handlers are as before in the end."""

import signal
import threading
import time

import pytest

from da.system.signals import ENDING, SignalExit, SignalWatch, exit_on_signals


@pytest.mark.parametrize("number", ENDING)
def test_the_first_signal_is_noted_and_a_later_one_ends(number, monkeypatch):
    now = [10.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    before = signal.getsignal(number)
    with SignalWatch() as watch:
        assert watch.received == 0
        signal.raise_signal(number)
        signal.raise_signal(number)
        assert watch.received == number
        now[0] += 2
        with pytest.raises(SignalExit) as ended:
            signal.raise_signal(number)
    assert ended.value.code == 128 + number
    assert signal.getsignal(number) == before


def test_a_signal_is_raised_where_the_process_only_waits():
    with exit_on_signals(), pytest.raises(SignalExit):
        signal.raise_signal(signal.SIGTERM)
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


def test_other_threads_get_no_signals_and_change_no_handler():
    seen = []

    def watch() -> None:
        with SignalWatch() as watch:
            seen.append((watch.received, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=watch)
    thread.start()
    thread.join()
    assert seen == [(0, signal.SIG_DFL)]
