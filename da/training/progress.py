"""Print the progress of a run while it trains."""

import sys

from tqdm import tqdm

from da.results import health
from da.results.records import Point
from da.results.text_columns import align
from da.runs.run import Run

COLUMNS = {
    "step": ("step", ".0f"),
    "target_accuracy": ("target %", ".1f"),
    "metric/hos": ("HOS %", ".1f"),
    "metric/h_score": ("H-score %", ".1f"),
    "target_accuracy/online": ("online %", ".1f"),
    "source_accuracy": ("source %", ".1f"),
    "infomax": ("infomax", ".3f"),
}
"""Heading and format of the values that are printed at each evaluation, next to losses."""


def report(run: Run, curve: list[Point], *, numbers: bool) -> None:
    """Print the last evaluation, and on stderr the warnings that it is the first to give.

    Args:
        run: Settings of the run.
        curve: All evaluations so far.
        numbers: Whether to print the numbers of the evaluation, and not only warnings.
    """
    if numbers:
        print(*_lines(curve, run.hold_out), sep="\n")
    for warning in health.new_warnings(curve, run.settings()):
        tqdm.write(f"warning at step {curve[-1]['step']}: {warning}", file=sys.stderr)


def _lines(curve: list[Point], hold_out: bool) -> list[str]:
    """Format the last evaluation, below headings if they differ from those of the one before."""
    columns = _columns(curve[-1])
    if not hold_out and "source_accuracy" in columns:
        columns["source_accuracy"] = ("source training %", ".1f")
    heads = [head for head, _ in columns.values()]
    cells = [format(curve[-1][key], form) for key, (_, form) in columns.items()]
    lines = align([heads, cells], least=8)
    new = len(curve) == 1 or columns.keys() != _columns(curve[-2]).keys()
    return lines if new else lines[1:]


def _columns(point: Point) -> dict[str, tuple[str, str]]:
    """Return the columns of `COLUMNS` that an evaluation has, and its losses."""
    losses = {key: (key.replace("/", " "), ".4g") for key in point if key.startswith("loss/")}
    return {key: column for key, column in (COLUMNS | losses).items() if key in point}
