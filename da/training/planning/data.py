"""The data of the runs of a plan, as far as it is stored on this machine."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any

from da.config.task_name import TaskName
from da.data import stores, tasks
from da.data.domain import Domain
from da.data.reading import Reading
from da.runs.run import Run
from da.system.cache import NotMadeError, without_making
from da.system.one_line import one_line

Key = tuple[str, Reading, str]


class PlanData:
    """Domains of tasks, each opened once.

    Args:
        prepare: Whether to fetch and decode images that are not stored.
    """

    def __init__(self, prepare: bool) -> None:
        self._prepare = prepare
        self._opened: dict[Key, tuple[Domain, ...] | None] = {}
        self._notes: dict[str, None] = {}

    @property
    def notes(self) -> list[str]:
        """What is not known, and why."""
        return [*self._notes]

    def open(self, run: Run) -> tuple[Domain, ...] | None:
        """Return the domains of a run, or None where they are not here, which is noted."""
        key = run.task, run.reading, run.test
        if key not in self._opened:
            self._opened[key] = None
            with self.explained(run):
                self._opened[key] = self._read(*key, once=run.regime == "frozen")
        return self._opened[key]

    def size(self, settings: Mapping[str, Any]) -> int | None:
        """Return the number of images of a run's domains; None where they are not here."""
        key = settings["task"], Reading.of(settings), settings.get("test", "")
        if key not in self._opened:
            try:
                with without_making():
                    self._opened[key] = self._read(*key, once=False)
            except (NotMadeError, ValueError, OSError):
                return None
        found = self._opened[key]
        return None if found is None else sum(len(domain.x) for domain in found)

    def _read(self, task: str, reading: Reading, test: str, *, once: bool) -> tuple[Domain, ...]:
        allowed = nullcontext() if self._prepare else without_making()
        with allowed, stores.read_once(once):
            opened = tasks.open_domains(task, reading)
            return (*opened, *tasks.open_tests(task, test, reading))

    @contextmanager
    def explained(self, run: Run) -> Iterator[None]:
        """Turn an error of a run's data in the block into a note."""
        try:
            yield
        except NotMadeError:
            name = TaskName.parse(run.task).benchmark
            said = f"images of {name} are not stored yet; --prepare fetches and decodes them"
            self._notes[said] = None
        except (ValueError, OSError) as error:
            self._notes[f"{run.title}: {one_line(error)}"] = None
