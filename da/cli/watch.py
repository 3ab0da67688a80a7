"""The command that shows runs while they train."""

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from tyro.conf import Positional, arg

if TYPE_CHECKING:
    from da.results.live_state import State

SECONDS = 1.0
"""Seconds between two looks at the folder."""

IDLE = 10
"""Looks in a row without a run in hand after which no more lines are printed."""


def watch(
    results: Annotated[
        Positional[Path], arg(metavar="RESULTS", help="Folder of the records.")
    ] = Path("results"),
    experiment: Annotated[
        Positional[Path | None],
        arg(metavar="EXPERIMENT", help="Python file with the runs; without it, all runs."),
    ] = None,
    once: bool = False,
    scores: str = "infomax",
) -> None:
    """Show the runs that train now, in whatever process, and those that ended lately.

    In a terminal a table changes in place. Elsewhere each evaluation is a line, until no run is in
    hand. Ctrl-C ends it, and the runs go on.

    Args:
        once: Print the state of now, and end.
        scores: Selectors whose scores are shown, with commas between; see `da list selectors`.
    """
    from da.config.registry import SELECTORS
    from da.results.live_state import find_state
    from da.results.live_view import render_state

    shown = [score for score in scores.split(",") if score]
    if unknown := {*shown} - {*SELECTORS}:
        raise ValueError(f"unknown selector {min(unknown)!r}, known: {', '.join(SELECTORS)}")
    results, wanted = _find_wanted(results, experiment)

    def look() -> "State":
        return find_state(results, wanted)

    if once:
        if results != Path("results") and not results.is_dir():  # that one may be yet to come
            raise ValueError(f"no folder {results}; `da train` and `da sweep` write records")
        print(render_state(look(), shown, time.time()))
        return
    with suppress(KeyboardInterrupt):
        if sys.stdout.isatty():
            from da.results.live_screen import show

            show(look, shown, SECONDS)
        else:
            _print_lines(look, shown)


def _find_wanted(results: Path, experiment: Path | None) -> tuple[Path, set[str] | None]:
    """Return the folder to look at, and the ids of the runs to show, None for all.

    Raises:
        ValueError: The folder is a file.
    """
    if results.suffix == ".py" and experiment is None:
        results, experiment = Path("results"), results
    if results.exists() and not results.is_dir():
        raise ValueError(f"{results} is no folder of records: da watch [RESULTS] [EXPERIMENT]")
    if experiment is None:
        return results, None
    from da.methods import without_importing
    from da.runs.experiment import load_experiment

    with without_importing():
        return results, {run.id for run in load_experiment(experiment)}


def _print_lines(look: "Callable[[], State]", scores: list[str]) -> None:
    """Print what goes on, and then a line for whatever happens, until nothing does any more."""
    from da.results.live_view import list_events, render_state

    before, idle = look(), 0
    print(render_state(before, scores, time.time()), flush=True)
    while idle < IDLE:
        time.sleep(SECONDS)
        now = look()
        idle = 0 if now.running or now.waiting else idle + 1
        for line in list_events(before, now, scores):
            print(line, flush=True)
        before = now
