"""Mirror runs to Weights & Biases; the records on disk remain what counts.

No other module imports wandb.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import shorten
from typing import Any, Literal, TypeVar

from da.results import records
from da.results.records import Point, Record
from da.results.run_labels import label_runs, title
from da.system.extras import extra, installed, require

T = TypeVar("T")

Mode = Literal["auto", "online", "offline", "off"]
"""`auto` follows `WANDB_MODE` if set; otherwise it is online with credentials, and off without.

Without the library wandb it is off.
"""

Way = Literal["online", "offline", "off"]
"""What a mode comes to on this machine."""

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


@dataclass(frozen=True)
class Tracking:
    """How a run is shown while it trains, next to its live file."""

    mode: Way = "off"
    """Whether and how to use W&B, as `settle` gives it."""
    group: str | None = None
    """Group of the run at W&B; None for that of `WANDB_RUN_GROUP`, or no group."""
    name: str = ""
    """Name of the run at W&B; without it, its method, task, seed and id."""


def settle(mode: Mode) -> Way:
    """Return online, offline or off, as a mode and the credentials say, before any training.

    One line on stderr says where offline runs are kept, or why W&B is off although asked for.

    Raises:
        ValueError: The library is not installed, and the mode asks for it.
    """
    if mode in ("online", "offline"):
        require("wandb", f"--wandb {mode}", "wandb")
    return _guard(lambda: _settle(mode)) or "off"


def _settle(mode: Mode) -> Way:
    if mode == "off" or (mode == "auto" and not installed("wandb")):
        return "off"
    with extra("wandb", "W&B"):
        import wandb
    usual = wandb.setup(wandb.Settings(**QUIET)).settings
    way = _way(mode, usual.base_url)
    if way == "offline":
        _say(f"W&B runs are kept in {usual.wandb_dir}; `wandb sync` sends them")
    return way or "off"


class Mirror:
    """A run at W&B, which grows while the run trains.

    It has the id of our run, so that a run that was killed and trains again is the same run there.
    No method raises an error: if W&B fails, one line on stderr says so, and nothing more is sent.
    """

    def __init__(self, id: str, settings: Mapping[str, Any], how: Tracking):
        about = {
            "id": id,
            "name": how.name or f"{title(settings)} {id}",
            "config": dict(settings),
        }
        self._run = None if how.mode == "off" else _guard(lambda: _begin(how, about))

    def log(self, point: Point) -> None:
        """Add an evaluation."""
        values = {k: v for k, v in point.items() if k != "step"}
        self._do(lambda run: run.log(values, step=int(point["step"])))

    def end(self, record: Record | None) -> bool:
        """Close the run, with what its record says of machine and time; None where it failed.

        Returns:
            Whether everything was sent or kept.
        """
        if record is not None:
            self._do(lambda run: _describe(run, record))
        done = self._do(lambda run: run.finish(exit_code=int(record is None)))
        self._run = None
        return done

    def _do(self, act: Callable[[Any], Any]) -> bool:
        run = self._run
        return run is not None and bool(_guard(lambda: (act(run),)))


def mirror(record: Record, how: Tracking) -> bool:
    """Mirror a finished run to W&B, its settings as config and its curve as history.

    Mirroring it twice makes one run there. Never raise an error, like `Mirror`.

    Args:
        record: Record of the run.
        how: Whether and how to use W&B.

    Returns:
        Whether the run was mirrored.
    """
    one = Mirror(record.id, record.settings, how)
    for point in record.curve:
        one.log(point)
    return one.end(record)


def mirror_table(header: Sequence[str], rows: Sequence[Sequence[str]], how: Tracking) -> bool:
    """Mirror a finished table of results as a W&B table; like `mirror`, never raise an error.

    Args:
        header: Head of each column.
        rows: Cells of each row.
        how: Whether and how to use W&B; the table is named by the group, or else `results`.

    Returns:
        Whether the table was mirrored.
    """
    name = how.group or "results"
    about = {
        "id": f"table-{name}",
        "name": f"table of {name}",
        "job_type": "table",
    }

    def write() -> bool:
        with extra("wandb", "W&B"):
            import wandb
        run = _begin(how, about)
        run.log({"table": wandb.Table(columns=[*header], data=[[*row] for row in rows])})
        run.finish()
        return True

    return how.mode != "off" and bool(_guard(write))


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
    way = settle(mode)
    return sum(mirror(record, Tracking(way, name=names[record.id])) for record in found)


def _begin(how: Tracking, about: dict[str, Any]) -> Any:
    """Open a run at W&B, next to others that this process has open."""
    with extra("wandb", "W&B"):
        import wandb
    assert how.mode != "off"
    return wandb.init(
        **about,
        group=os.environ.get("WANDB_RUN_GROUP") or how.group,
        project=os.environ.get("WANDB_PROJECT") or "da",
        mode=how.mode,
        resume="allow",
        reinit="create_new",
        settings=wandb.Settings(**QUIET),
    )


def _describe(run: Any, record: Record) -> None:
    run.config.update({"environment": record.environment}, allow_val_change=True)
    for name in ("seconds", "images_per_second", "peak_memory"):
        run.summary[name] = getattr(record, name)


def _guard(act: Callable[[], T]) -> T | None:
    """Do something at W&B; return None if it fails, or if W&B has failed before."""
    if _failures:
        return None
    try:
        return act()
    except Exception as error:  # of any kind: a mirror that breaks must not lose a run
        _failures.append(error)
        reason = shorten(f"{type(error).__name__}: {error}", 200)
        _say(f"W&B failed and is left alone from here on, push to it later ({reason})")
        return None


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
