"""Time contenders in turns, and hold what every benchmark gives to the report.

A script has `measure(quick: bool) -> Section | list[Section]` and ends with `show(measure)` under
`if __name__ == "__main__"`. So `python benchmarks/step.py --quick` prints its tables. Scripts
import this file as `from measure import ...`, since Python searches their own folder first.
"""

import argparse
import gc
import math
import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Literal

import torch


@dataclass(frozen=True)
class Timing:
    """Seconds of each contender in each round."""

    seconds: dict[str, tuple[float, ...]]
    """Of one call, by contender: a number a round."""
    units: float
    """Images, runs or the like in one call."""
    load: tuple[float, float]
    """Processes that wanted a core in the last minute, before and after."""

    def median(self, name: str) -> float:
        """Median seconds of a call."""
        return median(self.seconds[name])

    def rate(self, name: str) -> float:
        """Units a second, at the median."""
        return self.units / self.median(name)

    def ratio(self, name: str, against: str) -> float:
        """How many times faster `name` is than `against`: the median of the ratio in each round."""
        both = zip(self.seconds[against], self.seconds[name], strict=True)
        return median(slow / fast for slow, fast in both)


def interleaved(
    contenders: Mapping[str, Callable[[], object]],
    rounds: int,
    *,
    calls: int = 1,
    units: float = 1,
    warm_up: int = 1,
    pause: float = 0,
) -> Timing:
    """Time each contender once a round, in turns, after `warm_up` calls of each.

    A round has `calls` calls of each contender. The one that begins changes from round to round,
    so that neither a busy neighbor nor a warm cache is always the same one's. `units` is the work
    in one call, in images or the like. `pause` seconds before each round of calls let the workers
    of the contender before come to rest.
    """
    before = os.getloadavg()[0]
    for contender in contenders.values():
        for _ in range(warm_up):
            contender()
    names = list(contenders)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for first in range(rounds):
        for name in (names[(first + i) % len(names)] for i in range(len(names))):
            time.sleep(pause)
            seconds[name].append(_seconds(contenders[name], calls))
    rounds_of = {name: tuple(times) for name, times in seconds.items()}
    return Timing(rounds_of, units, (before, os.getloadavg()[0]))


def _seconds(contender: Callable[[], object], calls: int) -> float:
    gc.collect()
    synchronize()
    start = time.perf_counter()
    for _ in range(calls):
        contender()
    synchronize()
    return (time.perf_counter() - start) / calls


def synchronize() -> None:
    """Wait for the GPU where there is one in use."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()


@dataclass(frozen=True)
class Bar:
    """What a piece of work must reach, and what it did: a row of the report's summary."""

    work: str
    against: str
    """What it is measured against; or the machine, for an absolute number."""
    bar: float
    goal: float
    measured: float | None = None
    """None where it could not be measured here."""
    unit: str = "x"
    better: Literal["more", "less"] = "more"

    @property
    def verdict(self) -> str:
        """Where the measured value stands: goal, bar, missed or open."""
        if self.measured is None:
            return "open"
        sign = 1 if self.better == "more" else -1
        if sign * self.measured >= sign * self.goal:
            return "goal"
        return "bar" if sign * self.measured >= sign * self.bar else "missed"


@dataclass(frozen=True)
class Section:
    """One table of the report."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    """Texts and numbers; floats are shown with three digits. One row has a cell per column."""
    notes: Sequence[str] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else belongs in the JSON file."""
    bars: Sequence[Bar] = ()
    """Rows of the summary that this section fills."""

    def markdown(self) -> str:
        """Title, table and notes."""
        lines = [f"## {self.title}", "", *table(self.columns, self.rows)]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes)]).rstrip() + "\n"


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Iterator[str]:
    """Lines of a Markdown table whose columns of numbers are aligned to the right."""
    texts = [[shown(cell) for cell in row] for row in rows]
    assert all(len(row) == len(columns) for row in texts), f"{len(columns)} columns, but {rows}"
    numbers = [any(re.match(r"-?\d", row[at]) for row in texts) for at in range(len(columns))]
    numbers[0] = False
    yield f"| {' | '.join(columns)} |"
    yield f"| {' | '.join('---:' if number else '---' for number in numbers)} |"
    for row in texts:
        yield f"| {' | '.join(row)} |"


def shown(cell: object) -> str:
    """A cell as text: floats with three digits, nothing for None."""
    if isinstance(cell, float):
        return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
    return "" if cell is None else str(cell)


def tell(row: Sequence[object]) -> None:
    """Print a row on stderr as soon as it is there, for scripts that are ended early."""
    print(" | ".join(map(shown, row)), file=sys.stderr, flush=True)


_end = math.inf


def end_after(seconds: float) -> None:
    """From then on no further row is measured."""
    global _end
    _end = time.monotonic() + seconds


def is_over() -> bool:
    """Whether the time that was given is over."""
    return time.monotonic() > _end


def busy(timing: Timing) -> str:
    """The note on how busy the machine was."""
    return "load average {:.1f} before, {:.1f} after".format(*timing.load)


def show(measure: Callable[[bool], Section | list[Section]]) -> None:
    """Run one script from the shell: print its sections."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true", help="small sizes, few rounds")
    sections = measure(parser.parse_args().quick)
    for section in [sections] if isinstance(sections, Section) else sections:
        print(section.markdown())
