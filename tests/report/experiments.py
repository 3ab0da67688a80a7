"""A small experiment with records that were never trained, for tests of the page."""

from collections.abc import Iterator, Sequence
from math import sin
from pathlib import Path

from da.results import records
from da.results.records import Point, Record
from da.runs.experiment import load_experiment
from da.runs.run import Run

EXPERIMENT = '''"""Compare three methods on three shifts.

This paragraph is not shown.
"""

import da

METHODS = da.methods.SourceOnly(), da.methods.DANN(), da.methods.MCC()


def runs():
    return [
        da.Run(method, task, "mlp", "random", "full", steps=30, eval_every=10, seed=seed)
        for seed in range(2)
        for task in ("moons:0-20", "moons:0-30", "moons:0-40")
        for method in METHODS
    ]
'''


def write_experiment(folder: Path) -> Path:
    """Write the experiment, and a record of each of its runs in `results`; return its file."""
    file = folder / "shifts.py"
    file.write_text(EXPERIMENT)
    for record in make_records(load_experiment(file)):
        records.save(record, folder / "results")
    return file


def make_records(runs: Sequence[Run]) -> list[Record]:
    """Return a record of each run."""
    made = {"machine": "a <b>machine</b>", "torch": "2.0"}
    return [
        Record(run.id, run.settings(), list(_curve(i, run)), 2.5, environment=made)
        for i, run in enumerate(runs)
    ]


def _curve(i: int, run: Run) -> Iterator[Point]:
    """Yield evaluations whose accuracy falls in the end, and a score that tells it."""
    for k, step in enumerate((10, 20, 30)):
        accuracy = 60.0 + 5 * (i % 3) + 4 * sin(i + k) - 3 * (k == 2)
        right = round(accuracy)
        yield {
            "step": step,
            "target_accuracy": accuracy,
            "source_accuracy": 90.0 + k,
            "infomax": accuracy / 100,
            "loss/task": 1 / step,
            "predicted/a</script>": 100.0,
            "predicted/b": 0.0,
            "confusion/0/0": right,
            "confusion/1/0": 100 - right,
        }
