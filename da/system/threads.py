"""Work divided among as many threads as torch uses; each thread runs whole operations.

By default, torch divides each operation among OpenMP's threads. While these wait for the next
operation, they spin for milliseconds on cores that other threads could use.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from threading import Barrier
from typing import Any

import torch


def map_in_threads(do: Callable[..., Any], parts: Iterable[tuple[Any, ...]]) -> list[Any]:
    """Call `do(*part)` for every part in several threads, and return the results in order.

    A thread that is done with one part takes the next that is left.
    """
    every, threads = list(parts), torch.get_num_threads()
    left, inference = iter(enumerate(every)), torch.is_inference_mode_enabled()
    done: list[Any] = [None] * len(every)

    def take() -> None:
        with torch.inference_mode(inference):  # set for each thread separately
            for i, part in left:
                done[i] = do(*part)

    others = [_pool(threads - 1).submit(take) for _ in range(min(threads, len(every)) - 1)]
    with one_thread():
        take()
    for other in others:
        if not other.cancel():  # a thread that has not begun would find no part left
            other.result()
    return done


@lru_cache(maxsize=1)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Start threads that each run whole operations."""
    before, ready = torch.get_num_threads(), Barrier(threads + 1)

    def begin() -> None:
        torch.set_num_threads(1)
        torch.get_num_threads()  # fixes it for this thread, whatever is set elsewhere later
        ready.wait()

    pool = ThreadPoolExecutor(threads, "alone", begin)
    for _ in range(threads):
        pool.submit(int)
    ready.wait()
    torch.set_num_threads(before)
    return pool


@contextmanager
def one_thread() -> Iterator[None]:
    """Run all operations in the block in one thread.

    LAPACK waits for its threads after each of many small products. Next to another busy process,
    eigenvalues of a 1280 by 1280 matrix take 10 s with two threads and 0.3 s with one. Besides,
    sums over several threads are rounded differently.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
