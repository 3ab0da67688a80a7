"""Experiment files, and which of their runs are wanted.

A file is Python with `runs()`, and may have `name(run)`: what a run's row is called in tables and
plots, in place of its method and of the settings in which rows differ.
"""

import re
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from da.run import Run


def runs(experiment: Path, only: Sequence[str] = ()) -> list[Run]:
    """Runs of an experiment, those alone whose settings are as `only` says, such as `seed=0`.

    Raises ValueError where there is no such file, function, setting or value.
    """
    wanted = _content(experiment)["runs"]()
    for setting in only:
        wanted = _with(wanted, setting)
    return wanted


def names(experiment: Path, runs: Sequence[Run]) -> dict[str, str]:
    """What the file calls the row of each of `runs`, by id; nothing where it names none."""
    name = _content(experiment).get("name")
    return {run.id: name(run) for run in runs} if name else {}


def _content(experiment: Path) -> dict[str, Any]:
    if not experiment.is_file():
        known = ", ".join(map(str, sorted(Path("experiments").glob("*.py"))))
        raise ValueError(f"no experiment {experiment}, known: {known}")
    found = runpy.run_path(str(experiment))
    if "runs" not in found:
        raise ValueError(f"{experiment} has no function runs() -> list[Run]")
    return found


def _with(runs: list[Run], setting: str) -> list[Run]:
    name, _, value = setting.partition("=")
    found = [(run, run.settings()) for run in runs]
    every = found[0][1]
    if name not in every:
        raise ValueError(f"no setting {name!r} in {setting!r}, known: {', '.join(every)}")
    wanted = [run for run, settings in found if str(settings.get(name)) == value]
    if not wanted:
        known = sorted({f"{name}={settings.get(name)}" for _, settings in found})
        raise ValueError(f"no run with {setting!r}, known: {', '.join(known)}")
    return wanted


def share(runs: list[Run], shard: str) -> list[Run]:
    """Every Nth run from the Kth on, where `shard` is K/N; ValueError for other texts."""
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"unknown shard {shard!r}, known: 1/3, 2/3, 3/3 and the like")
    return runs[int(match[1]) - 1 :: int(match[2])]
