"""Settings that a search varies, their ranges, and runs with other values of them."""

import itertools
import random
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from da.config.ranges import Range, find_range
from da.runs.run import PARTS, Run


def search_space(runs: Sequence[Run], names: Sequence[str] = ()) -> dict[str, Range]:
    """Return the ranges of the settings that a search over `runs` varies.

    Args:
        runs: Runs of one method.
        names: Settings to vary; empty for `lr` and all settings of the method that have a range,
            but for those that a run refuses to vary.

    Raises:
        ValueError: The runs have several methods or there are none, a name has no range, or there
            is nothing to vary.
    """
    kinds = {run.method.owner.name: type(run.method) for run in runs}
    if len(kinds) != 1:
        choices = ", ".join(f"--only method={name}" for name in kinds) or "none"
        raise ValueError(f"a search is of one method, not {len(kinds)}, known: {choices}")
    own = _ranges(next(iter(kinds.values())))
    known = _ranges(Run) | own
    for part in PARTS.values():
        known |= _ranges(part)
    for name in names:
        if name not in known:
            raise ValueError(f"no range for a setting {name!r}, known: {', '.join(known)}")
    usual = (name for name in ("lr", *own) if _may_vary(runs, name, known[name]))
    if found := {name: known[name] for name in dict.fromkeys(names or usual)}:
        return found
    raise ValueError(f"nothing to search: no setting of {next(iter(kinds))} may vary in these runs")


def _may_vary(runs: Sequence[Run], name: str, values: Range) -> bool:
    """Return whether runs take several values, and learning rates move anything."""
    if name == "lr" and not any(run.method.trains for run in runs):
        return False
    taken = [value for value in values.grid() if all(_takes(run, name, value) for run in runs)]
    return len(taken) > 1


def _takes(run: Run, name: str, value: Any) -> bool:
    try:
        replace_settings(run, {name: value})
    except ValueError:
        return False
    return True


def _ranges(part: type) -> dict[str, Range]:
    found = {f.name: find_range(f) for f in fields(part)}
    return {name: a_range for name, a_range in found.items() if a_range is not None}


def replace_settings(run: Run, settings: Mapping[str, Any]) -> Run:
    """Return a copy of `run` with some settings replaced.

    A name that both the method and the run have means the setting of the method.

    Args:
        run: Run to copy.
        settings: New values by name.

    Raises:
        ValueError: The new settings contradict the others.
    """
    left = dict(settings)

    def own(part: Any) -> dict[str, Any]:
        """Take out of `left` what belongs to `part`."""
        return {f.name: left.pop(f.name) for f in fields(part) if f.name in left}

    method = replace(run.method, **own(run.method))
    parts = {name: replace(getattr(run, name), **own(kind)) for name, kind in PARTS.items()}
    return replace(run, method=method, **parts, **left)


def shuffle_grid(space: Mapping[str, Range]) -> list[dict[str, Any]]:
    """Return all points of the grid in random order, so that the first few are spread over it."""
    points = itertools.product(*(a_range.grid() for a_range in space.values()))
    grid = [dict(zip(space, point, strict=True)) for point in points]
    random.Random(0).shuffle(grid)
    return grid
