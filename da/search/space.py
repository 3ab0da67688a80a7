"""Settings that a search varies, their ranges, and runs with other values of them."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from da.config.ranges import Range, find_range
from da.runs.run import PARTS, Run


def search_space(runs: Sequence[Run], names: Sequence[str] = ()) -> dict[str, Range]:
    """Return the ranges of the settings that a search over `runs` varies.

    Args:
        runs: Runs of one method.
        names: Settings to vary; empty for `lr` and all settings of the method that have a range.

    Raises:
        ValueError: The runs have several methods or there are none, or a name has no range.
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
    return {name: known[name] for name in dict.fromkeys(names or ("lr", *own))}


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
