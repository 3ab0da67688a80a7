"""Experiment files, and which of their runs are wanted.

A file is Python with `runs()`, and may have `name(run)`: what a run's row is called in tables and
plots, in place of its method and of the settings in which rows differ.
"""

import re
import runpy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from typing import Any

from da.runs.run import Run


def load_runs(experiment: Path, only: Sequence[str] = ()) -> list[Run]:
    """Runs of an experiment, those alone whose settings are as `only` says, such as `seed=0`.

    Values of one setting are alternatives, as in `seed=0 seed=1` or `seed=0,1`. A run that is
    listed twice is given once. Raises ValueError where there is no such file, function, run,
    setting or value, and where the file fails.
    """
    content = _content(experiment)
    with _one_line(experiment):
        listed = content["runs"]()
    wanted = _distinct(experiment, listed)
    for name, values in _alternatives(only).items():
        wanted = _with(wanted, name, values)
    return wanted


def _alternatives(only: Sequence[str]) -> dict[str, list[str]]:
    """What `only` says of each setting."""
    found: dict[str, list[str]] = {}
    for setting in only:
        name, _, value = setting.partition("=")
        found.setdefault(name, []).append(value)
    return found


def row_names(experiment: Path, runs: Sequence[Run]) -> dict[str, str]:
    """What the file calls the row of each of `runs`, by id; nothing where it names none."""
    name = _content(experiment).get("name")
    with _one_line(experiment):
        return {run.id: name(run) for run in runs} if name else {}


def _content(experiment: Path) -> dict[str, Any]:
    if not experiment.is_file():
        known = ", ".join(map(str, sorted(Path("experiments").glob("*.py"))))
        raise ValueError(f"no experiment {experiment}, known: {known}")
    with _one_line(experiment):
        found = runpy.run_path(str(experiment))
    if "runs" not in found:
        raise ValueError(f"{experiment} has no function runs() -> list[Run]")
    return found


@contextmanager
def _one_line(experiment: Path) -> Iterator[None]:
    """Whatever its code raises becomes a ValueError that says in which of its lines."""
    try:
        yield
    except Exception as error:
        raise ValueError(_told(experiment, error)) from error


def _told(experiment: Path, error: Exception) -> str:
    """The last line of the file that `error` came through, and what it says."""
    file, said = str(experiment), str(error)
    lines = [n for frame, n in walk_tb(error.__traceback__) if frame.f_code.co_filename == file]
    if isinstance(error, SyntaxError) and error.filename == file:
        lines, said = [error.lineno or 1], error.msg
    at = f", line {lines[-1]}" if lines else ""
    return f"{experiment}{at}: {type(error).__name__}: {said}"


def _distinct(experiment: Path, listed: Any) -> list[Run]:
    """What `runs()` gave, each run once; ValueError where it gave none, or something else."""
    if not isinstance(listed, Sequence):
        raise ValueError(f"{experiment}: runs() gives {listed!r}, known: a list of Run")
    for run in listed:
        if not isinstance(run, Run):
            raise ValueError(f"{experiment}: runs() lists {run!r}, known: Run")
    if not listed:
        raise ValueError(f"{experiment}: runs() lists no run")
    return list({run.id: run for run in listed}.values())


def _with(runs: list[Run], name: str, values: Sequence[str]) -> list[Run]:
    """Those of `runs` whose setting `name` is one of `values`, each of which may be several."""
    found = [run.settings() for run in runs]
    if name not in found[0]:
        raise ValueError(f"no setting {name!r}, known: {', '.join(found[0])}")
    own = [str(settings.get(name)) for settings in found]
    wanted = [v for value in values for v in ([value] if value in own else value.split(","))]
    for value in wanted:
        if value not in own:
            known = ", ".join(f"{name}={value}" for value in sorted(set(own)))
            raise ValueError(f"no run with '{name}={value}', known: {known}")
    return [run for run, value in zip(runs, own, strict=True) if value in wanted]


def take_shard(runs: list[Run], shard: str) -> list[Run]:
    """Every Nth run from the Kth on, where `shard` is K/N; ValueError for other texts."""
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"unknown shard {shard!r}, known: 1/3, 2/3, 3/3 and the like")
    return runs[int(match[1]) - 1 :: int(match[2])]
