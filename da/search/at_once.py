"""Carry out several trials of a search at once, in threads that wait for a cluster."""

from collections.abc import Generator
from queue import Queue
from threading import Event, Thread

from da.search.trial import Trial
from da.search.tune import Search
from da.training.attempts import Stopped

PATIENCE = 30.0
"""Seconds within which a thread ends what it has on the cluster; it ends with the process."""


def carry_out_at_once(
    search: Search, wanted: int, count: int, stop: Event
) -> Generator[Trial, None, None]:
    """Carry out trials until `wanted` are taken, and yield each that this process ends.

    Threads share the study as processes do, each with one trial at a time. Settings of a trial are
    drawn while others are in hand, of which the sampler knows nothing yet.

    Args:
        search: Search whose executor is open, and not this process.
        wanted: Number of trials in all, including those of other processes.
        count: Number of trials at once.
        stop: Event that the executor obeys; it is set where this ends early.

    Raises:
        ValueError: A run failed for another reason than diverging numbers.
    """
    ended: Queue[Trial | BaseException | None] = Queue()
    threads = [
        Thread(target=_work, args=(search, wanted, ended), daemon=True) for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    try:
        left = count
        while left:
            came = ended.get()
            if isinstance(came, BaseException):
                raise came
            if came is None:
                left -= 1
            else:
                yield came
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


def _work(search: Search, wanted: int, ended: "Queue[Trial | BaseException | None]") -> None:
    try:
        for trial in search.carry_out(search.open(), wanted):
            ended.put(trial)
    except Stopped:
        pass
    except BaseException as error:
        ended.put(error)
    ended.put(None)
