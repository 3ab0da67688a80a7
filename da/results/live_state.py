"""What goes on in a folder of records: runs in hand, and runs that ended lately. No torch here."""

import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from da.config.validation import is_run_id
from da.results import records
from da.results.live import LiveRun, find_live
from da.results.record_schema import DamagedError
from da.results.records import Record
from da.results.run_labels import label_runs
from da.system.locks import is_held

LATELY = 3600
"""Seconds after its end for which a run has ended lately."""

MOST = 8
"""Largest number of runs that are shown as ended lately."""


@dataclass(frozen=True)
class State:
    """The runs of a folder at one moment."""

    running: list[LiveRun]
    """Runs in hand, first begun first."""
    killed: list[LiveRun]
    """Runs whose process is gone, though they had not ended."""
    waiting: int
    """Number of runs of sweeps that are being prepared, or wait for others of their group."""
    ended: list[tuple[float, Record]]
    """Runs that ended lately, with the time of their end, the latest last."""
    done: int
    """Number of runs that have a record."""

    @property
    def labels(self) -> dict[str, str]:
        """Title, differing settings and id of each run, by id."""
        settings = {run.id: run.settings for run in (*self.running, *self.killed)}
        return label_runs(settings | {record.id: record.settings for _, record in self.ended})


def find_state(results: Path, wanted: Collection[str] | None = None) -> State:
    """Look at the runs of a folder.

    Args:
        results: Folder of the records.
        wanted: Ids of the runs to look at; None for all.
    """
    live = [run for run in find_live(results) if wanted is None or run.id in wanted]
    alive = {run.id: run.is_alive for run in live}
    held = {file.name for file in (results / ".locks").glob("*") if is_held(file)} - alive.keys()
    known = records.ids(results) if wanted is None else {*wanted} & records.ids(results)
    return State(
        running=[run for run in live if alive[run.id]],
        killed=[run for run in live if not alive[run.id]],
        waiting=len(held if wanted is None else held & {*wanted}),
        ended=sorted(_ended(results, known), key=lambda pair: pair[0])[-MOST:],
        done=len(known),
    )


def _ended(results: Path, known: Collection[str]) -> Iterator[tuple[float, Record]]:
    times = {}
    for file in results.glob("*.json"):
        if is_run_id(file.stem) and file.stem in known:
            with suppress(OSError):  # it has just been replaced
                times[file] = file.stat().st_mtime
    latest = sorted(times, key=lambda file: times[file])[-MOST:]
    for file in latest:
        if time.time() - times[file] < LATELY and (record := _read(file, times[file])):
            yield times[file], record


@lru_cache(maxsize=4 * MOST)
def _read(file: Path, changed: float) -> Record | None:
    """Read the record in a file as it was at a time; None if it is damaged."""
    try:
        return records.read(file)
    except DamagedError:
        return None
