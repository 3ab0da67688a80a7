"""The settings that a search varies, and their ranges."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from da.config.ranges import Range, find_range
from da.runs.run import PARTS, Run


def search_space(runs: Sequence[Run], names: Sequence[str] = ()) -> dict[str, Range]:
    """Ranges of the settings `names` of `runs`; without names of `lr` and all of their method's.

    Raises ValueError where the runs are of several methods or none, or a name has no range.
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
    """`run` with other settings, each the method's where it has one of that name.

    Raises ValueError where they contradict the rest.
    """
    left = dict(settings)

    def own(part: Any) -> dict[str, Any]:
        return {f.name: left.pop(f.name) for f in fields(part) if f.name in left}

    method = replace(run.method, **own(run.method))
    parts = {name: replace(getattr(run, name), **own(kind)) for name, kind in PARTS.items()}
    return replace(run, method=method, **parts, **left)
