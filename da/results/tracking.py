"""Mirror runs to Weights & Biases; the records on disk remain what counts.

No other module imports wandb.
"""

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal

from da.results import records
from da.results.records import Record
from da.results.run_labels import label_runs, title
from da.system.extras import extra, installed, require

Mode = Literal["auto", "online", "offline", "off"]
"""`auto` follows `WANDB_MODE` if set; otherwise it is online with credentials, and off without.

Without the library wandb it is off.
"""

SECONDS = 30
"""Seconds to wait for W&B's servers: once to start a run, and once to finish it."""

QUIET: dict[str, Any] = {
    "silent": True,
    "console": "off",
    "init_timeout": SECONDS,
    "finish_timeout": SECONDS,
    "finish_timeout_raises": True,
    "disable_git": True,
    "disable_code": True,
    "x_disable_stats": True,
    "x_disable_machine_info": True,
    "x_save_requirements": False,
}
"""Settings of W&B: no messages, no second description of machine and code, no endless waiting."""

_failures: list[Exception] = []
"""Failures of W&B so far; after the first, this process stops using it.

So a dead network costs one wait in all.
"""


def check(mode: Mode) -> None:
    """Check that the library is there before anything is trained.

    Raises:
        ValueError: It is not installed, and the mode asks for it.
    """
    if mode in ("online", "offline"):
        require("wandb", f"--wandb {mode}", "wandb")


def mirror(
    record: Record, mode: Mode = "auto", experiment: str | None = None, name: str = ""
) -> bool:
    """Mirror a finished run to W&B, its settings as config and its curve as history.

    The run at W&B has the id of the record, so mirroring it twice makes one run. This function
    never raises an error: if W&B fails, one line on stderr says so.

    Args:
        record: Record of the run.
        mode: Whether and how to use W&B.
        experiment: Group of the run at W&B; None for no group.
        name: Name of the run at W&B; without it, its method, task, seed and id.

    Returns:
        Whether the run was mirrored.
    """
    about = {
        "id": record.id,
        "name": name or f"{title(record.settings)} {record.id}",
        "group": experiment,
        "config": record.settings | {"environment": record.environment},
    }
    return _write(mode, about, lambda run: _history(run, record))


def mirror_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    mode: Mode = "auto",
    experiment: str | None = None,
) -> bool:
    """Mirror a finished table of results as a W&B table; like `mirror`, never raise an error.

    Args:
        header: Head of each column.
        rows: Cells of each row.
        mode: Whether and how to use W&B.
        experiment: Name and group of the table; None for the name `results` and no group.

    Returns:
        Whether the table was mirrored.
    """
    about = {
        "id": f"table-{experiment or 'results'}",
        "name": f"table of {experiment or 'results'}",
        "group": experiment,
        "job_type": "table",
    }
    return _write(mode, about, lambda run: run.log({"table": _table(header, rows)}))


def push(folder: Path, mode: Mode = "auto") -> int:
    """Mirror every record in a folder to W&B, and return how many were mirrored.

    Raises:
        ValueError: wandb is not installed, the folder has no records, or a file is no record.
    """
    require("wandb", "W&B", "wandb")
    found = list(records.load_all(folder))
    if not found:
        raise ValueError(f"no records in {folder}; `da train` and `da sweep` write them")
    names = label_runs({record.id: record.settings for record in found})
    if mode == "auto" and "WANDB_MODE" not in os.environ:
        mode = "online"  # as who pushes asks for
    return sum(mirror(record, mode, name=names[record.id]) for record in found)


def _history(run: Any, record: Record) -> None:
    for point in record.curve:
        run.log({k: v for k, v in point.items() if k != "step"}, step=int(point["step"]))
    for name in ("seconds", "images_per_second", "peak_memory"):
        run.summary[name] = getattr(record, name)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Any:
    with extra("wandb", "W&B"):
        import wandb

    return wandb.Table(columns=list(header), data=[list(row) for row in rows])


def _write(mode: Mode, about: dict[str, Any], write: Callable[[Any], None]) -> bool:
    """Open a W&B run, write to it and close it; return False if W&B is off or fails."""
    if mode == "off" or _failures or (mode == "auto" and not installed("wandb")):
        return False
    try:
        with extra("wandb", "W&B"):
            import wandb
        settings = wandb.Settings(**QUIET)
        if (way := _way(mode, wandb.setup(settings).settings.base_url)) is None:
            return False
        project = os.environ.get("WANDB_PROJECT") or "da"
        with wandb.init(
            project=project, mode=way, resume="allow", settings=settings, **about
        ) as run:
            write(run)
            if way == "offline":
                _say(f"W&B runs are kept in {run.settings.wandb_dir}; `wandb sync` sends them")
    except Exception as error:  # of any kind: a mirror that breaks must not lose a run
        _failures.append(error)
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        _say(f"W&B failed and is left alone from here on, push to it later ({reason})")
        return False
    return True


def _way(mode: Mode, host: str) -> Literal["online", "offline"] | None:
    """Resolve a mode to online, offline or None for off.

    Without credentials it is off, since W&B would ask for them. One line says so where the user
    asked to be online.
    """
    with extra("wandb", "W&B"):
        from wandb.sdk.lib.wbauth import authenticate_session

    usual = os.environ.get("WANDB_MODE", "online") if mode == "auto" else mode
    if usual != "online":
        return "offline" if usual in ("offline", "dryrun") else None
    if authenticate_session(host=host, source="da", prompt=False, update_session=False):
        return "online"
    if mode == "online" or "WANDB_MODE" in os.environ:
        _say("W&B is off; WANDB_API_KEY or `wandb login` turns it on, offline needs neither")
    return None


@cache
def _say(line: str) -> None:
    """Print a line to stderr, once per process."""
    print(f"da: {line}", file=sys.stderr)
