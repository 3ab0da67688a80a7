"""Runs in hand: a small file each, with its evaluations so far. This module does not import torch.

A file is `live/ID.jsonl` in the folder of the records. Its first line says what is trained by which
process, and each further line is an evaluation.
"""

import json
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from socket import gethostname
from typing import IO, Any

from da.config.validation import is_run_id
from da.results.records import Point
from da.results.run_labels import title

FOLDER = "live"
"""Name of the folder of these files, within the folder of the records."""

TRIES = 10
"""Times that a file is opened, since another process may just remove the empty folder."""


class LiveFile:
    """The file of a run in hand, which is removed when the run has ended.

    Where it cannot be written, the run goes on without it.

    Args:
        results: Folder of the records.
        id: Id of the run.
        about: Settings of the run, its steps in all, and images in a step.
        seconds: Seconds that the run took before, where it goes on.
    """

    def __init__(self, results: Path, id: str, about: Mapping[str, Any], seconds: float = 0.0):
        self.path = results / FOLDER / f"{id}.jsonl"
        self._file: IO[bytes] | None = None
        with suppress(OSError):
            remove_stale(results)
            self._file = _open_new(self.path)
        begun = time.time() - seconds
        self._write({**about, "pid": os.getpid(), "host": gethostname(), "begun": begun})

    def append(self, point: Point) -> None:
        """Add an evaluation, with the time of day."""
        self._write({"time": time.time(), "point": point})

    def remove(self) -> None:
        """Remove the file, and its folder if that is empty; one that is gone stays so."""
        if self._file is None:
            return
        with suppress(OSError):
            if os.path.samestat(os.fstat(self._file.fileno()), self.path.lstat()):
                self.path.unlink()
                self.path.parent.rmdir()
        self._file.close()
        self._file = None

    def _write(self, line: Mapping[str, Any]) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.write(json.dumps(line).encode() + b"\n")


def _open_new(path: Path) -> IO[bytes]:
    for left in reversed(range(TRIES)):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            return path.open("xb", buffering=0)
        except (FileNotFoundError, FileExistsError):
            if not left:
                raise
    raise AssertionError


@dataclass(frozen=True)
class LiveRun:
    """What is known of a run in hand."""

    id: str
    """Id of the run."""
    settings: dict[str, Any]
    """Settings of the run, as in its record."""
    steps: int
    """Training steps in all; fewer are made where the run stops early."""
    images: float
    """Images of both domains in a step."""
    pid: int
    """Number of the process that trains the run."""
    host: str
    """Name of the machine of that process."""
    begun: float
    """Time when training began, in seconds since 1970."""
    curve: list[Point] = field(default_factory=list)
    """Evaluations so far, first to last."""
    times: list[float] = field(default_factory=list)
    """Time of each evaluation, in seconds since 1970."""

    @property
    def step(self) -> int:
        """Step of the last evaluation; 0 before the first one."""
        return int(self.curve[-1]["step"]) if self.curve else 0

    @property
    def images_per_second(self) -> float:
        """Images per second up to the last evaluation, evaluations included; 0 before one."""
        if not self.curve:
            return 0.0
        return self.images * self.step / max(1e-9, self.times[-1] - self.begun)

    def seconds_left(self, now: float) -> float | None:
        """Return the seconds that the run still needs at its speed so far, or None if unknown.

        Args:
            now: The time, in seconds since 1970.
        """
        if not self.curve:
            return None
        took = self.times[-1] - self.begun
        return max(0.0, took * self.steps / self.step - (now - self.begun))

    @property
    def is_alive(self) -> bool:
        """Whether its process runs; processes of other machines are taken to do so."""
        if self.host != gethostname():
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass
        return True


def find_live(results: Path) -> list[LiveRun]:
    """Return all runs that have a live file, those of killed processes too, first begun first."""
    files = (results / FOLDER).glob("*.jsonl")
    found = [read(file) for file in files if is_run_id(file.stem)]
    return sorted(filter(None, found), key=lambda run: (run.begun, run.id))


def read(file: Path) -> LiveRun | None:
    """Read a live file, up to a line that is not whole; return None if nothing can be read."""
    try:
        head, *lines = map(json.loads, _whole_lines(file))
        run = LiveRun(file.stem, **head)
        title(run.settings)  # raises an error where they are no settings
        for line in lines:
            run.curve.append(line["point"])
            run.times.append(line["time"])
        return run
    except (OSError, ValueError, TypeError, KeyError):
        return None


def _whole_lines(file: Path) -> list[bytes]:
    return file.read_bytes().split(b"\n")[:-1]


def remove_stale(results: Path) -> None:
    """Remove the live files that killed processes of this machine left."""
    for run in find_live(results):
        if not run.is_alive:
            with suppress(OSError):
                (results / FOLDER / f"{run.id}.jsonl").unlink()
