"""Times of finished runs by kind, for runs that are still to come. Does not import torch."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from da.config.registry import SELECTORS
from da.config.selector_needs import USUAL, read_needs
from da.config.task_name import TaskName
from da.config.validation import is_run_id
from da.results.records import Record

Settings = Mapping[str, Any]

WITHOUT_COST = "seed", "task", "init", "hp.teacher"
"""Settings that a kind leaves out, or of which it keeps only what costs time."""

COSTLY = ("sparsity",)
"""Settings that are fractions and change what a step computes."""

ALIKE = 1.3
"""Largest ratio of the numbers of images of two tasks whose runs cost about the same."""

Size = Callable[[Settings], int | None]
"""Function from the settings of a run to the number of images of its domains; None if unknown."""


def kind_of(settings: Settings) -> str:
    """Return a key that is equal for runs that cost the same, up to the sizes of their domains.

    Fractions, such as learning rates, change no time.
    """
    task = TaskName.parse(settings["task"])
    plain = {
        name: value
        for name, value in settings.items()
        if name not in WITHOUT_COST and (name in COSTLY or not isinstance(value, float))
    }
    domains = [task.benchmark, len(task.sources), len(task.targets), task.end]
    begun = [
        "run" if is_run_id(value) else value
        for value in (settings.get("init"), settings.get("hp.teacher"))
    ]
    return json.dumps([plain, domains, begun], sort_keys=True)


def are_alike(a: int | None, b: int | None) -> bool:
    """Return whether tasks of so many images cost about the same; unknown sizes are taken to."""
    return not (a and b) or max(a, b) <= ALIKE * min(a, b)


@cache
def _usual_scores() -> frozenset[str]:
    """Return the selectors that score every evaluation."""
    return frozenset(name for name in SELECTORS if {*read_needs(name)} <= {*USUAL})


def scores_as_now(record: Record) -> bool:
    """Return whether the last evaluation of a record has the scores that one has now.

    Those of an earlier version had fewer, and took less time. A few may lack as not finite.
    """
    lacking = _usual_scores() - record.curve[-1].keys()
    return 4 * len(lacking) <= len(_usual_scores())


class RunTimes:
    """Records by the kind of their run.

    Args:
        found: Records of finished runs.
        size: Function that gives the number of images of a run's domains.
    """

    def __init__(self, found: Iterable[Record] = (), size: Size = lambda settings: None) -> None:
        self._size = size
        self._kinds: dict[str, list[Record]] = defaultdict(list)
        for record in found:
            self.add(record)

    def add(self, record: Record) -> None:
        """Add the record of a run that has ended."""
        self._kinds[kind_of(record.settings)].append(record)

    def find(self, settings: Settings) -> list[Record]:
        """Return the records of a run's kind whose domains are about as large."""
        same = self._kinds.get(kind_of(settings), [])
        own = self._size(settings) if same else None
        return [record for record in same if are_alike(own, self._size(record.settings))]


def describe_time(seconds: float) -> str:
    """Describe a time in the unit that suits it: `40 s`, `9 min` or `2.5 h`."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    if seconds < 99.5 * 60:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:,.1f} h" if hours < 99.5 else f"{hours:,.0f} h"
