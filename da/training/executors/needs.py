"""What groups of runs need on a node: given by the user, or measured by the first of a kind."""

import math
import sys
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tqdm import tqdm

from da.results.run_times import kind_of
from da.system.environment import peak_memory, reset_peak_memory
from da.training.attempts import Group
from da.training.executors.resources import AUTO, USUAL, Amounts

UNMEASURED = {"gpus": 1.0, "memory": 0.0}
"""What the first group of a kind gets of what is measured; its memory is not set aside."""

MARGIN = 1.25
"""Ratio of what is asked for to what was measured."""

SHARES = 20
"""Parts of a GPU that are given."""

CONTEXT = 2**29
"""Bytes of a GPU that a process takes beside its tensors."""

Kind = tuple[str, int]
"""Kind of the first run of a group, and the number of runs."""


@dataclass(frozen=True)
class Peak:
    """The most memory that a process has held: GB, and a share of its GPU."""

    memory: float
    gpus: float = 0.0

    @classmethod
    def here(cls) -> "Peak":
        """Return that of this process since `forget`."""
        memory, share = peak_memory() / 2**10, 0.0
        if torch.cuda.is_initialized():
            _, whole = torch.cuda.mem_get_info()
            share = (torch.cuda.max_memory_reserved() + CONTEXT) / whole
        return cls(memory, share)

    @staticmethod
    def forget() -> None:
        """Let a peak of this process begin now."""
        reset_peak_memory()
        if torch.cuda.is_initialized():
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()


class Needs:
    """Resources of groups. Of each kind, one is measured before others of the kind begin.

    Args:
        given: Resources by name, as numbers or `AUTO`.
    """

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given: dict[str, Any] = {**USUAL, **given}
        self._measured = [name for name, value in given.items() if value == AUTO]
        self._peaks: dict[Kind, Peak] = {}
        self._first: set[Kind] = set()

    def of(self, group: Group) -> Amounts:
        """Return what a group gets."""
        return self._amounts(self._peaks.get(_kind(group)) if self._measured else None)

    @property
    def least(self) -> Amounts:
        """What the smallest kind gets that is known."""
        known: list[Peak | None] = [*self._peaks.values()]  # another thread may add to them
        every = [self._amounts(peak) for peak in known or [None]]
        return {name: min(amounts[name] for amounts in every) for name in USUAL}

    def _amounts(self, peak: Peak | None) -> Amounts:
        if peak is None:
            return self._given | {name: UNMEASURED[name] for name in self._measured}
        share = math.ceil(round(peak.gpus * MARGIN * SHARES, 6)) / SHARES
        asked = {"gpus": min(1.0, share), "memory": peak.memory * MARGIN}
        return self._given | {name: asked[name] for name in self._measured}

    def take(self, left: deque[Group], idle: bool) -> Group | None:
        """Take the first group that may begin out of `left`; None where all have to wait.

        Args:
            left: Groups that have not begun.
            idle: Whether the first is taken in any case.
        """
        for at, group in enumerate(left):
            if idle or not self._measured or _kind(group) not in self._first:
                del left[at]
                return group
        return None

    def begin(self, group: Group) -> None:
        """Take a group as begun; others of its kind wait for it where it is the first."""
        if self._measured and (kind := _kind(group)) not in self._peaks:
            self._first.add(kind)

    def end(self, group: Group, peaks: Sequence[Peak] = ()) -> None:
        """Take a group as ended, with the peaks of its process if its runs were trained."""
        if not self._measured:
            return
        self._first.discard(kind := _kind(group))
        known = self._peaks.get(kind)
        every = [*peaks, *([known] if known else [])]
        if not peaks:
            return
        memory, gpus = (max(getattr(peak, name) for peak in every) for name in ("memory", "gpus"))
        self._peaks[kind] = Peak(memory, gpus)
        if not known:
            self._tell(group)

    def _tell(self, group: Group) -> None:
        asked = self.of(group)
        said = " ".join(f"{name}={asked[name]:.3g}" for name in self._measured)
        title = group[0].run.title
        tqdm.write(f"da: {title} is measured: runs of its kind get {said}", file=sys.stderr)


def _kind(group: Group) -> Kind:
    return kind_of(group[0].run.settings()), len(group)
