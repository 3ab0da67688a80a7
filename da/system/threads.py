"""Work shared out to as many threads as torch has, each of which carries out operations alone.

OpenMP's threads, among which torch divides an operation, spin for milliseconds while they wait for
the next one, on cores that other threads could use.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import Barrier
from typing import Any

import torch


def map_in_threads(do: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> list[Any]:
    """`do(*part)` for every part; a thread that is done with one takes the next that is left."""
    every, threads = list(parts), torch.get_num_threads()
    left, inference = iter(enumerate(every)), torch.is_inference_mode_enabled()
    done: list[Any] = [None] * len(every)

    def take() -> None:
        with torch.inference_mode(inference):  # which is a thread's own
            for i, part in left:
                done[i] = do(*part)

    others = [_pool(threads - 1).submit(take) for _ in range(min(threads, len(every)) - 1)]
    with one_thread():
        take()
    for other in others:
        if not other.cancel():  # one that has not begun would find nothing left
            other.result()
    return done


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that carry out operations alone."""
    before, ready = torch.get_num_threads(), Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # settles it for this thread, whatever is set elsewhere later
        ready.wait()

    pool = ThreadPoolExecutor(threads, "alone", begin)
    for _ in range(threads):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(before)
    return pool


@contextmanager
def one_thread() -> Iterator[None]:
    """All within it in one thread.

    LAPACK waits for its threads after each of many small products: beside another busy process,
    eigenvalues of a 1280 by 1280 matrix take 10 s with two threads and 0.3 s with one. And sums
    over several threads are rounded in another way.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
