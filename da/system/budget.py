"""Limit of what threads hold at the same time."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Budget:
    """Lets threads work at the same time while what they hold together is little enough.

    Args:
        amount: What they may hold together.
    """

    def __init__(self, amount: int):
        self.all = self.free = amount
        self.changed = threading.Condition()

    @contextmanager
    def hold(self, amount: int) -> Iterator[None]:
        """Wait until so much is free, and hold it during the block; at most all there is."""
        amount = min(amount, self.all)
        with self.changed:
            self.changed.wait_for(lambda: self.free >= amount)
            self.free -= amount
        try:
            yield
        finally:
            with self.changed:
                self.free += amount
                self.changed.notify_all()
