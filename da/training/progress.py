"""What is printed while a run trains."""

import sys

from tqdm import tqdm

from da.results import health
from da.results.records import Point
from da.results.text_columns import align
from da.runs.run import Run

COLUMNS = {
    "step": ("step", ".0f"),
    "target_accuracy": ("target %", ".1f"),
    "target_accuracy/online": ("online %", ".1f"),
    "source_accuracy": ("source %", ".1f"),
    "infomax": ("infomax", ".3f"),
}
"""Head and format of what is told of each look while training, beside losses."""


def report(run: Run, curve: list[Point], *, numbers: bool) -> None:
    """The last look's numbers, and on stderr what it is the first to warn of."""
    if numbers:
        print(*_lines(curve), sep="\n")
    for warning in health.new_warnings(curve, run.settings()):
        tqdm.write(f"warning at step {curve[-1]['step']}: {warning}", file=sys.stderr)


def _lines(curve: list[Point]) -> list[str]:
    """The last look, beneath heads where the look before it has other numbers or there is none."""
    columns = _columns(curve[-1])
    heads = [head for head, _ in columns.values()]
    cells = [format(curve[-1][key], form) for key, (_, form) in columns.items()]
    lines = align([heads, cells], least=8)
    new = len(curve) == 1 or columns.keys() != _columns(curve[-2]).keys()
    return lines if new else lines[1:]


def _columns(point: Point) -> dict[str, tuple[str, str]]:
    """Those of `COLUMNS` that a look has, and its losses."""
    losses = {key: (key.replace("/", " "), ".4g") for key in point if key.startswith("loss/")}
    return {key: column for key, column in (COLUMNS | losses).items() if key in point}
