"""Show the runs in hand in a terminal, in place. No other module imports rich. No torch here."""

import time
from collections.abc import Callable, Sequence

from da.results.live_state import State
from da.results.live_view import describe_counts, list_cells, list_heads, list_notes
from da.system.extras import extra

with extra("watch", "da watch in a terminal"):
    from rich.console import Group
    from rich.live import Live
    from rich.table import Table
    from rich.text import Text


NARROW = 110
"""Width of a terminal, in characters, below which losses are left out."""


def show(look: Callable[[], State], scores: Sequence[str], seconds: float) -> None:
    """Show the state in a table that changes in place, until the user interrupts.

    Args:
        look: Function that gives the state as it is.
        scores: Names of the selectors whose scores are shown.
        seconds: Seconds between two looks.
    """
    with Live(auto_refresh=False) as live:
        while True:
            narrow = live.console.width < NARROW
            live.update(draw(look(), scores, time.time(), narrow=narrow), refresh=True)
            time.sleep(seconds)


def draw(state: State, scores: Sequence[str], now: float, *, narrow: bool = False) -> Group:
    """Return the state as a table with notes below.

    Args:
        state: The state.
        scores: Names of the selectors whose scores are shown.
        now: The time, in seconds since 1970.
        narrow: Whether to leave out the last column.
    """
    labels = state.labels
    last = -1 if narrow else None
    label, *numbers, losses = list_heads(scores)
    table = Table(box=None, pad_edge=False)
    table.add_column(label, min_width=21, overflow="fold")
    for head in numbers:
        table.add_column(Text(head), justify="right", no_wrap=True)
    if not narrow:
        table.add_column(losses, overflow="fold")
    for run in state.running:
        table.add_row(*map(Text, list_cells(run, labels[run.id], scores, now)[:last]))
    notes = [Text(note, "yellow" if "warning: " in note else "") for note in list_notes(state, now)]
    return Group(Text(describe_counts(state), "bold"), *[table] * bool(state.running), *notes)
