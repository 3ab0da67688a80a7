"""Load experiment files and select some of their runs.

An experiment file is Python with a function `runs()` that returns a list of `Run`. It may import
files beside it. It may also have `name(run)`, which returns a line of text that names the run's row
in tables and plots:

    def name(run: da.Run) -> str:
        return "last stage" if run.tuning.last == 1 else "all stages"

Runs of one name are one row, averaged over seeds; where they still differ for a task and seed, the
row says in which settings. A run whose name is empty, as one that others begin with, has no row.
Without `name`, a row is named by its method and by the settings in which rows of the method differ.

`PAPERS`, a tuple of names, says whose printed numbers stand below the rows; without it, those of
the papers that ran most methods do.
"""

import re
import runpy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from da.config.setting_names import SETTINGS
from da.config.validation import likely_names
from da.runs.experiment_code import experiment_code
from da.runs.run import Run


def load_experiment(experiment: str | Path, only: Sequence[str] = ()) -> list[Run]:
    """Load the runs of an experiment whose settings match `only`, such as `seed=0`.

    Values of one setting are alternatives, as in `seed=0 seed=1` or `seed=0,1`. A run that the file
    lists twice is returned once.

    Raises:
        ValueError: Where the file, its function, a run, a setting or a value does not exist, or
            the file fails.
    """
    experiment = Path(experiment)
    content = _content(experiment)
    with experiment_code(experiment):
        listed = content["runs"]()
    wanted = _distinct(experiment, listed)
    for name, values in _alternatives(only).items():
        wanted = _with(wanted, name, values)
    return wanted


def _alternatives(only: Sequence[str]) -> dict[str, list[str]]:
    """Collect the wanted values of each setting."""
    found: dict[str, list[str]] = {}
    for setting in only:
        name, _, value = setting.partition("=")
        found.setdefault(name, []).append(value)
    return found


def row_names(experiment: Path, runs: Sequence[Run]) -> dict[str, str]:
    """Return the name that the file gives each run's row, by run id; empty where it names none."""
    name = _content(experiment).get("name")
    with experiment_code(experiment):
        found = {run.id: name(run) for run in runs} if name else {}
    for text in found.values():
        if text != "" and (not isinstance(text, str) or len(text.strip().splitlines()) != 1):
            raise ValueError(f"{experiment}: name(run) gives {text!r}, known: a line of text")
    return found


def named_papers(experiment: Path) -> tuple[str, ...]:
    """Return the papers that the file names for the numbers below its rows; none for the usual."""
    found = _content(experiment).get("PAPERS", ())
    if not isinstance(found, tuple) or not all(isinstance(name, str) for name in found):
        raise ValueError(f"{experiment}: PAPERS is {found!r}, known: a tuple of names of papers")
    return found


def _content(experiment: Path) -> dict[str, Any]:
    if not experiment.is_file():
        known = ", ".join(map(str, sorted(Path("experiments").glob("*.py"))))
        raise ValueError(f"no experiment {experiment}, known: {known or 'none in experiments/'}")
    with experiment_code(experiment):
        found = runpy.run_path(str(experiment))
    if "runs" not in found:
        raise ValueError(f"{experiment} has no function runs() -> list[Run]")
    return found


def _distinct(experiment: Path, listed: Any) -> list[Run]:
    """Return each listed run once; raise ValueError for an empty list or anything but runs."""
    if not isinstance(listed, Sequence):
        raise ValueError(f"{experiment}: runs() gives {listed!r}, known: a list of Run")
    for run in listed:
        if not isinstance(run, Run):
            raise ValueError(f"{experiment}: runs() lists {run!r}, known: Run")
    if not listed:
        raise ValueError(f"{experiment}: runs() lists no run")
    return list({run.id: run for run in listed}.values())


def _with(runs: list[Run], name: str, values: Sequence[str]) -> list[Run]:
    """Select the runs whose setting `name` is one of `values`.

    A value with commas is a list of values, unless a run has it as it is.
    """
    found = [run.settings() for run in runs]
    if name in SETTINGS:
        raise ValueError(f"no setting {name!r}: it is called {SETTINGS[name]} now")
    if name not in found[0]:
        raise ValueError(f"no setting {name!r}, known: {', '.join(likely_names(name, found[0]))}")
    own = [str(settings.get(name)) for settings in found]
    wanted = [v for value in values for v in ([value] if value in own else value.split(","))]
    for value in wanted:
        if value not in own:
            known = ", ".join(f"{name}={value}" for value in sorted(set(own)))
            raise ValueError(f"no run with '{name}={value}', known: {known}")
    return [run for run, value in zip(runs, own, strict=True) if value in wanted]


def take_shard(runs: list[Run], shard: str) -> list[Run]:
    """Return every Nth run from the Kth on, where `shard` is K/N.

    Raises:
        ValueError: For any other text.
    """
    match = re.fullmatch(r"(\d+)/(\d+)", shard)
    if not match or not 1 <= int(match[1]) <= int(match[2]):
        raise ValueError(f"unknown shard {shard!r}, known: 1/3, 2/3, 3/3 and the like")
    return runs[int(match[1]) - 1 :: int(match[2])]
