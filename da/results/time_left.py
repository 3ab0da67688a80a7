"""How long the runs of a sweep will still take. Does not import torch."""

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean, median

from da.results.live import find_live
from da.results.records import Record
from da.results.run_times import Settings, kind_of


class TimeLeft:
    """Time that a sweep still needs, by the times of the runs that have ended.

    Args:
        waiting: Settings of the runs that have not ended, by id.
        known: Records of earlier runs on this machine.
        workers: Number of processes.
        results: Folder of the records.
    """

    def __init__(
        self,
        waiting: Mapping[str, Settings],
        known: Iterable[Record],
        workers: int,
        results: Path,
    ) -> None:
        self._waiting = {id: kind_of(settings) for id, settings in waiting.items()}
        self._workers, self._results = workers, results
        self._times: dict[str, list[float]] = defaultdict(list)
        for record in known:
            self._add(record)

    def end(self, id: str, record: Record | None) -> None:
        """Take a run as ended, with its record if it has one."""
        self._waiting.pop(id, None)
        if record:
            self._add(record)

    def _add(self, record: Record) -> None:
        self._times[kind_of(record.settings)].append(record.seconds)

    def seconds(self) -> float | None:
        """Return the seconds that are left; None where no run has ended.

        A run of an unknown kind counts as the mean kind. Time that a run in hand has taken so far
        is subtracted.
        """
        if not self._times:
            return None
        each = {kind: median(times) for kind, times in self._times.items()}
        usual, now = fmean(each.values()), time.time()
        spent = {run.id: now - run.begun for run in find_live(self._results)}
        left = [
            max(0.0, each.get(kind, usual) - spent.get(id, 0.0))
            for id, kind in self._waiting.items()
        ]
        return max([*left, sum(left) / self._workers])
