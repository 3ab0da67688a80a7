"""Describe runs in hand, as rows of a table or as single lines. Does not import torch."""

import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from operator import itemgetter

from da.results import health
from da.results.live import LiveRun
from da.results.live_state import State
from da.results.records import Point
from da.results.text_columns import align

SILENT = 60
"""Least seconds without an evaluation after which a run counts as silent."""

Event = tuple[float, str, str]
"""Time, id of the run, and what happened to it."""

PATIENCE = 5
"""Multiple of the usual time between evaluations after which a run counts as silent."""


def list_heads(scores: Sequence[str]) -> list[str]:
    """Return the head of each column of `list_cells`."""
    return ["run", "step", "source %", *scores, "target %", "images/s", "left", "losses"]


def list_cells(run: LiveRun, label: str, scores: Sequence[str], now: float) -> list[str]:
    """Return the cells of a run in hand, empty where nothing is known yet.

    Args:
        run: The run.
        label: Name of the run.
        scores: Names of the selectors whose scores are shown.
        now: The time, in seconds since 1970.
    """
    point = run.curve[-1] if run.curve else {}
    left = run.seconds_left(now)
    return [
        label,
        f"{run.step}/{run.steps}",
        _number(point, "source_accuracy", ".1f"),
        *(_number(point, score, ".3f") for score in scores),
        _number(point, "target_accuracy", ".1f"),
        f"{run.images_per_second:,.0f}" if run.curve else "",
        "" if left is None else f"{timedelta(seconds=round(left))}",
        _losses(point),
    ]


def list_notes(state: State, now: float) -> list[str]:
    """Return a line for each warning, silent run, killed run, and run that ended lately."""
    labels = state.labels
    notes = []
    for run in state.running:
        if silent := _silence(run, now):
            notes.append(f"{labels[run.id]}: {silent}")
        if run.curve:
            warnings = health.lasting_warnings(run.curve, run.settings)
            notes += [f"{labels[run.id]}: warning: {warning}" for warning in warnings]
    notes += [f"{labels[run.id]}: {describe_kill(run)}" for run in state.killed]
    if state.waiting:
        notes.append(f"{state.waiting} more: in preparation, or waiting for others of their group")
    for ended, record in state.ended:
        reached = _summary(record.curve[-1], ())
        notes.append(f"{clock(ended)} {labels[record.id]} ended: {reached}")
    return notes


def render_state(state: State, scores: Sequence[str], now: float) -> str:
    """Render the state of a folder as plain text.

    Args:
        state: The state.
        scores: Names of the selectors whose scores are shown.
        now: The time, in seconds since 1970.
    """
    labels = state.labels
    rows = [list_cells(run, labels[run.id], scores, now) for run in state.running]
    table = align([list_heads(scores), *rows], left=1) if rows else []
    return "\n".join([describe_counts(state), *table, *list_notes(state, now)])


def describe_counts(state: State) -> str:
    """Say how many runs are in hand, and how many have a record."""
    return f"{len(state.running)} in hand, {state.done} with a record"


def describe_kill(run: LiveRun) -> str:
    """Say that the process of a run is gone."""
    return (
        f"killed after step {run.step}: process {run.pid} of {run.host} is gone; "
        "the same command trains it again"
    )


def list_events(before: State, now: State, scores: Sequence[str]) -> list[str]:
    """Return a line for all that happened between two states, the earliest first.

    Args:
        before: The earlier state.
        now: The later state.
        scores: Names of the selectors whose scores are shown.
    """
    labels = before.labels | now.labels
    events = [*_news(before, now, scores), *_ends(before, now, scores)]
    return [f"{clock(at)} {labels[id]}{text}" for at, id, text in sorted(events, key=itemgetter(0))]


def _news(before: State, now: State, scores: Sequence[str]) -> Iterator[Event]:
    """Yield the beginnings of runs, and their new evaluations and warnings."""
    seen = {(run.id, run.begun): len(run.curve) for run in before.running}
    for run in now.running:
        known = seen.get((run.id, run.begun), -1)
        if known < 0:
            yield run.begun, run.id, f": begun, {run.steps} steps"
        for n in range(max(0, known), len(run.curve)):
            at, point = run.times[n], run.curve[n]
            yield at, run.id, f": step {point['step']:.0f}/{run.steps}, {_summary(point, scores)}"
            for warning in health.new_warnings(run.curve[: n + 1], run.settings):
                yield at, run.id, f": warning: {warning}"


def _ends(before: State, now: State, scores: Sequence[str]) -> Iterator[Event]:
    """Yield the ends of runs, also of those that leave no record."""
    known = {(at, record.id) for at, record in before.ended}
    for at, record in now.ended:
        if (at, record.id) not in known:
            yield at, record.id, f" ended: {_summary(record.curve[-1], scores)}"
    killed = {run.id for run in before.killed}
    for run in now.killed:
        if run.id not in killed:
            yield time.time(), run.id, f": {describe_kill(run)}"
    here = {run.id for run in (*now.running, *now.killed)} | {record.id for _, record in now.ended}
    for run in before.running:
        if run.id not in here:
            yield time.time(), run.id, " is no longer in hand, and left no record so far"


def _summary(point: Point, scores: Sequence[str]) -> str:
    """Return the numbers of an evaluation in a line."""
    parts = [
        ("target", _number(point, "target_accuracy", ".1f"), " %"),
        ("source", _number(point, "source_accuracy", ".1f"), " %"),
        *((score, _number(point, score, ".3f"), "") for score in scores),
        ("losses", _losses(point), ""),
    ]
    return ", ".join(f"{name} {text}{unit}" for name, text, unit in parts if text)


def _number(point: Point, key: str, form: str) -> str:
    return format(point[key], form) if key in point else ""


def _losses(point: Point) -> str:
    losses = {k.removeprefix("loss/"): v for k, v in point.items() if k.startswith("loss/")}
    return " ".join(f"{name} {value:.3g}" for name, value in losses.items())


def _silence(run: LiveRun, now: float) -> str:
    """Say how long a run has been silent, or nothing if it has not been for long."""
    ends = [run.begun, *run.times]
    usual = (ends[-1] - run.begun) / max(1, len(run.times))
    quiet = now - ends[-1]
    if quiet < max(SILENT, PATIENCE * usual):
        return ""
    span = timedelta(seconds=round(quiet))
    return f"no evaluation for {span}, by process {run.pid} of {run.host}"


def clock(moment: float) -> str:
    """Return a time of day, in local time."""
    return time.strftime("%H:%M:%S", time.localtime(moment))
